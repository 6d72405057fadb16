"""The training stages and their shared parts."""

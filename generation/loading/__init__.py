"""Checkpoints from folders and files: checked, read, kept loaded as far as they fit."""

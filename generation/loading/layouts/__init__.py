"""Models made of files in the layouts that people share, for every family."""

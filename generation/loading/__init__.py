"""Loading checkpoints from folders and files: validation, parsing, caching."""

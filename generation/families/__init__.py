"""The model families, a file each, as the engine calls them."""

"""A bot and its bad hours."""

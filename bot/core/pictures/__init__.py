"""The pictures that jobs came to: their files, their rows, and who likes them."""

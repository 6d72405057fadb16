"""Models of transformers that look at pictures, beside those that draw them."""

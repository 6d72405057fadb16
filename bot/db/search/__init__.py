"""Finding jobs by their words without reading all of them."""

"""Searching jobs without scanning all of them."""

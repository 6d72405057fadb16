"""Fetching models: what sites say of a file, getting it, and putting it into a folder."""

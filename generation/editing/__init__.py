"""Editing pictures: what masks and canvases are, and how a picture is pasted back. No torch."""

"""Scenes that the recipe composes and renders, with their captions."""

"""Scenes that the recipe composes and paints, with the sentences that tell them."""

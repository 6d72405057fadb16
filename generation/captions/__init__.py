"""Captions for pictures, by models of transformers that a bot's owner installed."""

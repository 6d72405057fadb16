"""Evaluation: how well the checkpoint follows prompts."""

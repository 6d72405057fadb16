"""The default checkpoint: weights in diffusers' folder format, their card, their recipe."""

from pathlib import Path

CHECKPOINT = Path(__file__).parent / "checkpoint"

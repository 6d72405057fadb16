"""Which models describe pictures, told from what lies beside their weights. Imports no torch."""

from pathlib import Path
from typing import Any

from generation.vision.model_folder import class_in, config_of

# Models that transformers has classes for, which need no torchvision.
CLASSES = ("BlipForConditionalGeneration", "GitForCausalLM", "VisionEncoderDecoderModel")
# Of the last one: others read text in pictures (TrOCR, Donut).
_ENCODERS, _DECODERS = ("vit", "deit", "beit"), ("gpt2", "bert", "roberta")


def class_of(weights: Path) -> str | None:
    """Return which of CLASSES a file of weights is for; None if it describes no pictures.

    Raises nothing: what cannot be read is none.
    """
    config = config_of(weights)
    found = class_in(config, CLASSES)
    if found == "VisionEncoderDecoderModel":
        parts = _kind(config, "encoder"), _kind(config, "decoder")
        if parts[0] not in _ENCODERS or parts[1] not in _DECODERS:
            return None
    if config.get("num_image_with_embedding") is not None:  # GIT for videos
        return None
    return found


def _kind(config: dict[str, Any], part: str) -> object:
    found = config.get(part)
    return found.get("model_type") if isinstance(found, dict) else None

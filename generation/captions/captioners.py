"""Which models describe pictures, told from what lies beside their weights. Imports no torch."""

from pathlib import Path
from typing import Any

from generation.json_text import loads

WEIGHTS, CONFIG = "model.safetensors", "config.json"  # as transformers saves them
MOST_BYTES = 2**20  # of a configuration
# Models that transformers has classes for, which need no torchvision.
CLASSES = ("BlipForConditionalGeneration", "GitForCausalLM", "VisionEncoderDecoderModel")
# Of the last one: others read text in pictures (TrOCR, Donut).
_ENCODERS, _DECODERS = ("vit", "deit", "beit"), ("gpt2", "bert", "roberta")


def class_of(weights: Path) -> str | None:
    """Return which of CLASSES a file of weights is for; None if it describes no pictures.

    Raises nothing: what cannot be read is none.
    """
    if weights.name != WEIGHTS:
        return None
    try:
        with weights.with_name(CONFIG).open("rb") as opened:
            data = opened.read(MOST_BYTES + 1)
        return _named(loads(data)) if len(data) <= MOST_BYTES else None
    except (OSError, ValueError):
        return None


def _named(config: Any) -> str | None:  # noqa: ANN401 - a file's JSON
    said = config.get("architectures") if isinstance(config, dict) else None
    if not isinstance(said, list) or len(said) != 1 or said[0] not in CLASSES:
        return None
    if said[0] == "VisionEncoderDecoderModel":
        parts = _kind(config, "encoder"), _kind(config, "decoder")
        if parts[0] not in _ENCODERS or parts[1] not in _DECODERS:
            return None
    if config.get("num_image_with_embedding") is not None:  # GIT for videos
        return None
    return str(said[0])


def _kind(config: dict[str, Any], part: str) -> object:
    found = config.get(part)
    return found.get("model_type") if isinstance(found, dict) else None

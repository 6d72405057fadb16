"""Which models find what words mean in a picture, and what they answer. Imports no torch."""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from generation.errors import InvalidRequest
from generation.phrases import Phrase
from generation.vision.model_folder import class_in, config_of

# Models that transformers has classes for, which need no torchvision.
CLASSES = ("CLIPSegForImageSegmentation",)
WORDS_LENGTH = 200  # characters
MOST_PHRASES = 5  # parted by commas, each looked for by itself
MOST_SIDE = 1024  # of what a model answers; CLIPSeg's is 352
# What is at least so likely to be meant, of 255: CLIPSeg is less sure of edges than of middles.
LIKELY = round(0.4 * 255)
GROWN = 64  # of each side, one in so many parts more all around: its cells are coarse


def class_of(weights: Path) -> str | None:
    """Return which of CLASSES a file of weights is for; None if it finds nothing by words."""
    return class_in(config_of(weights), CLASSES)


def phrases_of(words: str) -> list[str]:
    """Return what is looked for; raises InvalidRequest, naming ``mask_words`` and its bound."""
    found = dict.fromkeys(" ".join(one.split()) for one in words.split(","))
    phrases = [one for one in found if one]
    if not phrases or len(words) > WORDS_LENGTH:
        bound = Phrase("bound-characters", least=1, most=WORDS_LENGTH)
        raise InvalidRequest("mask_words", bound)
    if len(phrases) > MOST_PHRASES:
        raise InvalidRequest("mask_words", Phrase("bound-mask-words", most=MOST_PHRASES))
    return phrases


def levels_in(answer: Mapping[str, Any]) -> Image.Image:
    """Return how likely each part is what was meant, 0 to 255, of what the process answers.

    Raises ValueError, KeyError or TypeError for anything else than `finding` sends.
    """
    (width, height), data = answer["size"], base64.b64decode(answer["levels"])
    if not (0 < width <= MOST_SIDE and 0 < height <= MOST_SIDE) or len(data) != width * height:
        raise ValueError(f"{len(data)} levels for {width} × {height}")
    return Image.frombytes("L", (width, height), data)


def mask_in(levels: Image.Image, width: int, height: int) -> Image.Image | None:
    """Return where a picture of this size is what was meant, a mask of 0 and 255, slightly grown.

    None if that is nowhere. Blocks for some milliseconds.
    """
    import numpy as np  # 13 MB that a bot without /edit does without
    from numpy.lib.stride_tricks import sliding_window_view

    values = np.asarray(levels)
    if values.max() < LIKELY:
        return None
    more = max(levels.size) // GROWN
    for axis in (0, 1):
        around = [(more, more) if one == axis else (0, 0) for one in (0, 1)]
        padded = np.pad(values, around, mode="edge")
        values = sliding_window_view(padded, 2 * more + 1, axis).max(-1)
    large = Image.fromarray(values).resize((width, height), Image.Resampling.BILINEAR)
    mask = large.point([255 if level >= LIKELY else 0 for level in range(256)])
    return mask if mask.getbbox() is not None else None

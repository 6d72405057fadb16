"""Finds what words mean in a picture: ``python -m generation.vision.finding``.

A process as in `generation.vision.answering`. Questions have the ``phrases``; the answers have how
likely each part is what one of them means, ``levels`` of 0 to 255 row by row, in base64, and their
``size``, which is the model's own and spans the whole picture.
"""

import base64
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from generation.vision.answering import (
    Question,
    load_model,
    load_processor,
    load_tokenizer,
    opened,
    picture_in,
    run,
)
from generation.vision.model_folder import CONFIG, WEIGHTS
from generation.vision.segmenters import CLASSES, MOST_SIDE, class_of

PROCESSOR = "ViTImageProcessor"  # CLIPSeg's, where a folder names none


@dataclass(frozen=True, slots=True)
class Segmenter:
    """A loaded model, with what reads pictures and words for it."""

    model: Any
    processor: Any
    tokenizer: Any


@lru_cache(maxsize=1)
def load(folder: Path) -> Segmenter:
    """Return a folder's model; raises what transformers does for a damaged one."""
    name = class_of(folder / WEIGHTS)
    if name is None:
        raise ValueError(f"{CONFIG} names none of {', '.join(CLASSES)}")
    model = load_model(folder, name)
    return Segmenter(model, load_processor(folder, PROCESSOR), load_tokenizer(folder))


def likely(segmenter: Segmenter, image: Image.Image, phrases: list[str]) -> torch.Tensor:
    """Return how likely each part is what one of the phrases means, float [h, w] of 0 to 1."""
    pixels = segmenter.processor(images=image, return_tensors="pt")["pixel_values"]
    config = segmenter.model.config
    tokens = segmenter.tokenizer(
        phrases,
        padding=True,
        truncation=True,
        max_length=config.text_config.max_position_embeddings,
        return_tensors="pt",
    )
    with torch.inference_mode():
        logits = segmenter.model(
            input_ids=tokens["input_ids"],
            attention_mask=tokens["attention_mask"],
            pixel_values=pixels.expand(len(phrases), -1, -1, -1),
        ).logits
    if not torch.isfinite(logits).all():
        raise ValueError("its answer is no number")
    # Of one phrase some versions have no dimension for it.
    return logits.reshape(len(phrases), *logits.shape[-2:]).sigmoid().amax(0)


def _answer(asked: Question) -> dict[str, Any]:
    segmenter = load(Path(asked["folder"]))
    levels = (255 * likely(segmenter, opened(picture_in(asked)), asked["phrases"])).round()
    height, width = levels.shape
    if max(height, width) > MOST_SIDE:
        raise ValueError(f"{width} × {height} px are too large")
    data = levels.to(torch.uint8).numpy().tobytes()
    return {"size": [width, height], "levels": base64.b64encode(data).decode()}


if __name__ == "__main__":
    run(_answer)

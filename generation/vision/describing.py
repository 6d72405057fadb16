"""Describes pictures: ``python -m generation.vision.describing``.

A process as in `generation.vision.answering`. Questions say how many captions (``count``), and the
answers have ``captions``.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from generation.vision.answering import (
    PROCESSORS,
    Question,
    load_model,
    load_processor,
    load_tokenizer,
    opened,
    picture_in,
    run,
)
from generation.vision.captioners import CLASSES, class_of
from generation.vision.model_folder import CONFIG, WEIGHTS

LONGEST = 300  # characters of a caption
TOKENS = 60
SAMPLED = 8  # at once, of which the different ones are kept
TEMPERATURES = (0.8, 1.0, 1.3)  # one after the other, until there are enough
# Of ViT, whose pooler says nothing of what a picture shows, many files lack that.
UNNEEDED = (".pooler.",)
_DEFAULTS = dict(zip(CLASSES, PROCESSORS, strict=False))
# What has a meaning in prompts, such as brackets, is no part of a caption.
_UNSAID = re.compile(r"[^\w\s,.;:!?'’/&%-]")


@dataclass(frozen=True, slots=True)
class Captioner:
    """A loaded model, with what reads pictures for it and what writes its words."""

    model: Any
    processor: Any
    tokenizer: Any


@lru_cache(maxsize=1)
def load(folder: Path) -> Captioner:
    """Return a folder's model; raises what transformers does for a damaged one."""
    name = class_of(folder / WEIGHTS)
    if name is None:
        raise ValueError(f"{CONFIG} names none of {', '.join(CLASSES)}")
    model = load_model(folder, name, UNNEEDED)
    return Captioner(model, load_processor(folder, _DEFAULTS[name]), load_tokenizer(folder))


def captions(captioner: Captioner, png: bytes, count: int) -> list[str]:
    """Return up to ``count`` different captions, the likeliest first; the same for one picture."""
    pixels = captioner.processor(images=opened(png), return_tensors="pt")["pixel_values"]
    torch.manual_seed(int.from_bytes(hashlib.sha256(png).digest()[:7]))
    found: dict[str, str] = {}
    for text in _written(captioner, pixels):
        if caption := clean(text):
            found.setdefault(caption.casefold(), caption)
        if len(found) == count:
            break
    return list(found.values())


def clean(text: str) -> str:
    """Return a caption as one line without what has a meaning in prompts, cut at a word."""
    text = re.sub(r"([-:])[-:]+", r"\1", _UNSAID.sub(" ", text))
    text = " ".join(text.split()).strip(" ,;:/-")
    if len(text) > LONGEST:
        text = text[: LONGEST + 1].rpartition(" ")[0] or text[:LONGEST]
    return text


def _written(captioner: Captioner, pixels: torch.Tensor) -> Iterator[str]:
    ways: list[dict[str, Any]] = [{"do_sample": False, "num_beams": 3}]
    ways += [
        {
            "do_sample": True,
            "num_beams": 1,
            "top_p": 0.9,
            "temperature": temperature,
            "num_return_sequences": SAMPLED,
        }
        for temperature in TEMPERATURES
    ]
    for way in ways:
        with torch.inference_mode():
            tokens = captioner.model.generate(
                pixel_values=pixels, max_new_tokens=TOKENS, max_length=None, **way
            )
        yield from captioner.tokenizer.batch_decode(tokens, skip_special_tokens=True)


def _answer(asked: Question) -> dict[str, Any]:
    captioner = load(Path(asked["folder"]))
    return {"captions": captions(captioner, picture_in(asked), asked["count"])}


if __name__ == "__main__":
    run(_answer)

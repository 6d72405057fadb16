"""Describes pictures: ``python -m generation.captions.describing``.

A process of its own, on the CPU, with limited memory: the models come from folders that anybody may
have made. Only safetensors are read, and no code from a folder is run. Questions come on standard
input, one a line as JSON: the ``folder`` of the model, the ``picture`` (a PNG in base64), how many
captions (``count``), and after how many idle seconds (``rest_s``) the process ends. The answers
have ``captions``, or the ``problem`` with the model for the log.
"""

import base64
import hashlib
import io
import os
import re
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
import transformers
from PIL import Image

from generation.captions.captioners import CLASSES, CONFIG, WEIGHTS, class_of
from generation.json_text import loads
from generation.library.headers import serve
from generation.worker.hardware import limit_memory

MEMORY = 6 * 2**30  # bytes; BLIP large takes 2, and torch itself most of the rest
LONGEST = 300  # characters of a caption
TOKENS = 60
SAMPLED = 8  # at once, of which the different ones are kept
TEMPERATURES = (0.8, 1.0, 1.3)  # one after the other, until there are enough
# Image processors by the names that folders have for them, with any of their endings.
PROCESSORS = ("BlipImageProcessor", "CLIPImageProcessor", "ViTImageProcessor",
              "DeiTImageProcessor", "BeitImageProcessor")  # fmt: skip
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
    only: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    kind = getattr(transformers, name)
    model, said = kind.from_pretrained(
        folder, use_safetensors=True, dtype=torch.float32, output_loading_info=True, **only
    )
    # Of ViT, whose pooler says nothing of what a picture shows, many files lack that.
    if lost := sorted(key for key in said["missing_keys"] if ".pooler." not in key):
        raise ValueError(f"{len(lost)} of its weights are missing, such as {lost[0]}")
    processor = getattr(transformers, f"{_processor(folder, name)}Pil")
    return Captioner(
        model.eval(),
        processor.from_pretrained(folder, local_files_only=True),
        transformers.AutoTokenizer.from_pretrained(folder, **only),
    )


def captions(captioner: Captioner, png: bytes, count: int) -> list[str]:
    """Return up to ``count`` different captions, the likeliest first; the same for one picture."""
    with Image.open(io.BytesIO(png), formats=("PNG",)) as opened:
        image = opened.convert("RGB")
    pixels = captioner.processor(images=image, return_tensors="pt")["pixel_values"]
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


def _processor(folder: Path, name: str) -> str:
    file = folder / "preprocessor_config.json"
    said = loads(file.read_bytes()) if file.is_file() else {}
    wanted = str(said.get("image_processor_type") or said.get("feature_extractor_type") or "")
    wanted = re.sub(r"(ImageProcessor|FeatureExtractor)(Fast|Pil)?$", "ImageProcessor", wanted)
    return wanted if wanted in PROCESSORS else _DEFAULTS[name]


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


def _answer(asked: dict[str, Any]) -> dict[str, Any]:
    png = base64.b64decode(asked["picture"])
    try:
        return {"captions": captions(load(Path(asked["folder"])), png, asked["count"])}
    except Exception as error:  # noqa: BLE001 - whatever a strange model leads to
        return {"problem": f"{type(error).__name__}: {error}"[:300]}


class _Rest:
    """Ends the process when nothing has been asked for some time."""

    def __init__(self) -> None:
        self._timer: threading.Timer | None = None

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Answer, and begin to rest."""
        if self._timer is not None:
            self._timer.cancel()
        said = _answer(asked)
        self._timer = threading.Timer(asked["rest_s"], os._exit, (0,))
        self._timer.daemon = True
        self._timer.start()
        return said


if __name__ == "__main__":
    limit_memory(MEMORY)
    if hasattr(os, "nice"):
        os.nice(5)  # drawing goes first
    os.environ["CUDA_VISIBLE_DEVICES"] = ""  # whose memory is for drawing
    torch.set_num_threads(max(1, (os.cpu_count() or 2) // 2))
    answers, sys.stdout = sys.stdout.buffer, sys.stderr  # libraries may print
    serve(sys.stdin.buffer, answers, _Rest().answer)

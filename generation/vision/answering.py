"""A process of its own for a model of transformers, which answers questions about pictures.

It runs on the CPU with limited memory: the models come from folders that anybody may have made.
Only safetensors are read, and no code from a folder is run. Questions come on standard input, one a
line as JSON. Each has the ``folder`` of the model, a ``picture`` (a PNG in base64), and after how
many idle seconds (``rest_s``) the process ends. Where the model cannot be used, the answer has the
``problem`` for the log.
"""

import base64
import io
import os
import re
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
import transformers
from PIL import Image

from generation.json_text import loads
from generation.library.headers import serve
from generation.worker.hardware import limit_memory

MEMORY = 6 * 2**30  # bytes; BLIP large takes 2, and torch itself most of the rest
ONLY_HERE: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
# Image processors by the names that folders have for them, with any of their endings.
PROCESSORS = ("BlipImageProcessor", "CLIPImageProcessor", "ViTImageProcessor",
              "DeiTImageProcessor", "BeitImageProcessor")  # fmt: skip

Question = Mapping[str, Any]


def run(answer: Callable[[Question], dict[str, Any]]) -> None:
    """Answer until the input ends, or nothing is asked for some time."""
    limit_memory(MEMORY)
    if hasattr(os, "nice"):
        os.nice(5)  # drawing goes first
    os.environ["CUDA_VISIBLE_DEVICES"] = ""  # whose memory is for drawing
    torch.set_num_threads(max(1, (os.cpu_count() or 2) // 2))
    answers, sys.stdout = sys.stdout.buffer, sys.stderr  # libraries may print
    serve(sys.stdin.buffer, answers, _Resting(answer))


def load_model(folder: Path, name: str, unneeded: tuple[str, ...] = ()) -> Any:  # noqa: ANN401
    """Return a folder's model of a class of transformers; raises what that does for a damaged one.

    Only weights with one of the ``unneeded`` parts in their names may be missing.
    """
    kind = getattr(transformers, name)
    model, said = kind.from_pretrained(
        folder, use_safetensors=True, dtype=torch.float32, output_loading_info=True, **ONLY_HERE
    )
    lost = [key for key in sorted(said["missing_keys"]) if not any(one in key for one in unneeded)]
    if lost:
        raise ValueError(f"{len(lost)} of its weights are missing, such as {lost[0]}")
    return model.eval()


def load_processor(folder: Path, usual: str) -> Any:  # noqa: ANN401
    """Return what reads pictures for a folder's model, the ``usual`` one if it names none."""
    file = folder / "preprocessor_config.json"
    said = loads(file.read_bytes()) if file.is_file() else {}
    wanted = str(said.get("image_processor_type") or said.get("feature_extractor_type") or "")
    wanted = re.sub(r"(ImageProcessor|FeatureExtractor)(Fast|Pil)?$", "ImageProcessor", wanted)
    name = wanted if wanted in PROCESSORS else usual
    return getattr(transformers, f"{name}Pil").from_pretrained(folder, local_files_only=True)


def load_tokenizer(folder: Path) -> Any:  # noqa: ANN401
    """Return what makes tokens of words, and words of tokens."""
    return transformers.AutoTokenizer.from_pretrained(folder, **ONLY_HERE)


def picture_in(asked: Question) -> bytes:
    """Return a question's picture, a PNG."""
    return base64.b64decode(asked["picture"])


def opened(png: bytes) -> Image.Image:
    """Return a picture in RGB."""
    with Image.open(io.BytesIO(png), formats=("PNG",)) as image:
        return image.convert("RGB")


class _Resting:
    """Answers, and ends the process when nothing has been asked for some time."""

    def __init__(self, answer: Callable[[Question], dict[str, Any]]) -> None:
        self._answer = answer
        self._timer: threading.Timer | None = None

    def __call__(self, asked: Question) -> dict[str, Any]:
        if self._timer is not None:
            self._timer.cancel()
        try:
            said = self._answer(asked)
        except Exception as error:  # noqa: BLE001 - whatever a strange model leads to
            said = {"problem": f"{type(error).__name__}: {error}"[:300]}
        self._timer = threading.Timer(asked["rest_s"], os._exit, (0,))
        self._timer.daemon = True
        self._timer.start()
        return said

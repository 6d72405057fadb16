"""Encodes PNG files in the background, so that compression delays no steps.

It also scores each picture: one that could not be scored is an error, never a picture.
"""

import io
import logging
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass

import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from generation.errors import GenerationError, NotChecked
from generation.request import Picture

log = logging.getLogger(__name__)

# How long an otherwise idle tick waits for a picture before it checks for new requests.
WAIT_S = 0.1

Pixels = Callable[[], torch.Tensor]
Describe = Callable[[], PngInfo]
Score = Callable[[Image.Image], float]


@dataclass(frozen=True, slots=True)
class _Print:
    key: int
    picture: Future[Picture | NotChecked]


class Postprocess:
    """Takes pixels and returns files in the same order, compressing one at a time."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="finishing")
        self._prints: deque[_Print] = deque()

    def __len__(self) -> int:
        return len(self._prints)

    def add(
        self,
        key: int,
        index: int,
        seed: int,
        pixels: Pixels,
        *,
        describe: Describe | None,
        score: Score | None,
    ) -> None:
        """Take a request's picture: ``pixels`` returns it as CPU uint8 [height, width, 3 or 4].

        ``describe`` returns its metadata, ``score`` the probability that it is not safe for work;
        all of them may take a while.
        """
        picture = self._thread.submit(
            copy_context().run, _finish, index, seed, pixels, describe, score
        )
        self._prints.append(_Print(key, picture))

    def drop(self, key: int) -> None:
        """Return nothing more of a request."""
        self._prints = deque(one for one in self._prints if one.key != key)

    def take(self, *, resting: bool) -> Iterator[tuple[int, Picture | NotChecked]]:
        """Yield what is ready; with ``resting``, wait a moment for what is in progress."""
        if resting and self._prints:
            wait([self._prints[0].picture], WAIT_S)
        while self._prints and self._prints[0].picture.done():
            done = self._prints.popleft()
            yield done.key, done.picture.result()


def _seen(image: Image.Image) -> list[Image.Image]:
    """Return what there is to see: a picture with alpha may show another one than its colours."""
    if image.mode != "RGBA":
        return [image]
    grounds = (Image.new("RGBA", image.size, colour) for colour in ("white", "black"))
    laid = [Image.alpha_composite(ground, image).convert("RGB") for ground in grounds]
    return [image.convert("RGB"), *laid]


def _finish(
    index: int,
    seed: int,
    pixels: Pixels,
    describe: Describe | None,
    score: Score | None,
) -> Picture | NotChecked:
    image = Image.fromarray(pixels().numpy())
    nsfw = None
    if score is not None:
        try:
            nsfw = max(map(score, _seen(image)))
        except Exception:
            log.exception("a picture could not be checked")
            return NotChecked("the picture could not be checked, so it is not shown")
    info = None
    if describe is not None:
        try:
            info = describe()
        except GenerationError as error:
            log.warning("a picture's file does not say how it was made: %s", error)
    file = io.BytesIO()
    image.save(file, "PNG", pnginfo=info)
    return Picture(index, seed, file.getvalue(), nsfw)

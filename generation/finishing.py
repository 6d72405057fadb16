"""Pixels become PNG files beside the ticks, so that nobody's next step waits for a compressor."""

import io
import logging
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from generation.errors import GenerationError
from generation.request import Picture

log = logging.getLogger(__name__)

Describe = Callable[[], PngInfo]


@dataclass(frozen=True, slots=True)
class _Print:
    key: int
    picture: Future[Picture]


class Finishing:
    """Takes pixels and gives pictures back in the same order, one compressed at a time."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="finishing")
        self._prints: deque[_Print] = deque()

    def __len__(self) -> int:
        return len(self._prints)

    def add(
        self, key: int, index: int, seed: int, pixels: torch.Tensor, describe: Describe | None
    ) -> None:
        """Take the pixels of a request's picture: CPU uint8 [height, width, 3].

        ``describe`` says what is to stand in its file, and may take its time.
        """
        picture = self._thread.submit(_finish, index, seed, pixels, describe)
        self._prints.append(_Print(key, picture))

    def drop(self, key: int) -> None:
        """Give back nothing more of a request."""
        self._prints = deque(one for one in self._prints if one.key != key)

    def take(self, *, wait: bool) -> Iterator[tuple[int, Picture]]:
        """Yield what is ready; with ``wait``, at least one if there is any on its way."""
        while self._prints and (wait or self._prints[0].picture.done()):
            wait = False
            done = self._prints.popleft()
            yield done.key, done.picture.result()


def _finish(index: int, seed: int, pixels: torch.Tensor, describe: Describe | None) -> Picture:
    info = None
    if describe is not None:
        try:
            info = describe()
        except GenerationError as error:
            log.warning("a picture's file does not say how it was made: %s", error)
    file = io.BytesIO()
    Image.fromarray(pixels.numpy()).save(file, "PNG", pnginfo=info)
    return Picture(index, seed, file.getvalue())

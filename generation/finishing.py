"""Pixels become PNG files beside the ticks, so that nobody's next step waits for a compressor."""

import io
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import torch
from PIL import Image

from generation.request import Picture


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

    def add(self, key: int, index: int, seed: int, pixels: torch.Tensor) -> None:
        """Take the pixels of a request's picture: CPU uint8 [height, width, 3]."""
        self._prints.append(_Print(key, self._thread.submit(_finish, index, seed, pixels)))

    def drop(self, key: int) -> None:
        """Give back nothing more of a request."""
        self._prints = deque(one for one in self._prints if one.key != key)

    def take(self, *, wait: bool) -> Iterator[tuple[int, Picture]]:
        """Yield what is ready; with ``wait``, at least one if there is any on its way."""
        while self._prints and (wait or self._prints[0].picture.done()):
            wait = False
            done = self._prints.popleft()
            yield done.key, done.picture.result()


def _finish(index: int, seed: int, pixels: torch.Tensor) -> Picture:
    file = io.BytesIO()
    Image.fromarray(pixels.numpy()).save(file, "PNG")
    return Picture(index, seed, file.getvalue())

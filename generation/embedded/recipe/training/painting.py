"""Painting exercises and wording their captions: ahead and in parallel where a GPU trains."""

import math
import multiprocessing
import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from transformers import CLIPTokenizer

from generation.embedded.recipe.pictures.captions import Caption, gibberish

CHUNK = 64  # exercises painted at a time, all of one shape
WORDINGS = 8  # of each exercise's caption
OTHERWISE = 8  # one in this many chunks is of another shape than the first
AHEAD = 3  # chunks painted ahead for each process
SERIES = 7  # of random numbers


@dataclass(frozen=True, slots=True)
class Exercise:
    """Paints a picture, of a width and a height, in layers: uint8 [3, height, width, 3]."""

    paint: Callable[[int, int], np.ndarray]
    caption: Caption


Maker = Callable[[np.random.Generator], Exercise]
Painted = tuple[np.ndarray, np.ndarray]  # layers [n, 3, h, w, 3]; tokens [n, wordings, length]


@dataclass(frozen=True)
class Painter:
    """Paints and tells exercises, each determined by its number; some wordings mean nothing."""

    make: Maker
    tokenizer: CLIPTokenizer
    shapes: tuple[tuple[int, int], ...]  # widths and heights, the usual one first
    nonsense: float  # share of wordings

    def shape_of(self, chunk: int) -> int:
        """Return which of the shapes a chunk has."""
        if len(self.shapes) == 1 or (chunk + 1) % OTHERWISE:
            return 0
        return 1 + chunk // OTHERWISE % (len(self.shapes) - 1)

    def paint(self, chunk: int) -> Painted:
        """Return a chunk of exercises."""
        shape = self.shapes[self.shape_of(chunk)]
        layers, words = [], []
        for number in range(chunk * CHUNK, (chunk + 1) * CHUNK):
            rng = np.random.default_rng([SERIES, number])
            exercise = self.make(rng)
            layers.append(exercise.paint(*shape))
            words += [
                gibberish(rng) if rng.random() < self.nonsense else exercise.caption(rng)
                for _ in range(WORDINGS)
            ]
        told = self.tokenizer(words, padding="max_length", truncation=True, return_tensors="np")
        tokens = told.input_ids.astype(np.int16)
        return np.stack(layers), tokens.reshape(CHUNK, WORDINGS, -1)


class Painters:
    """Paints in forked processes, or, without any, in this one."""

    def __init__(self, painter: Painter, processes: int = 0) -> None:
        self.shapes, self.shape_of = painter.shapes, painter.shape_of
        self._painter, self._depth = painter, processes * AHEAD
        self._ahead: deque[tuple[int, Future[Painted]]] = deque()
        self._executor: ProcessPoolExecutor | None = None
        if processes:
            os.environ["TOKENIZERS_PARALLELISM"] = "false"  # its threads do not survive a fork
            fork = multiprocessing.get_context("fork")
            self._executor = ProcessPoolExecutor(processes, fork, _begin, (painter,))

    def paint(self, chunk: int) -> Painted:
        """Return a chunk; those after it are begun meanwhile."""
        if self._executor is None:
            return self._painter.paint(chunk)
        if self._ahead and self._ahead[0][0] != chunk:
            self._ahead.clear()
        while len(self._ahead) < self._depth:
            number = chunk + len(self._ahead)
            self._ahead.append((number, self._executor.submit(_paint, number)))
        return self._ahead.popleft()[1].result()

    def close(self) -> None:
        """End the processes."""
        if self._executor is not None:
            self._executor.shutdown(cancel_futures=True)


def paint(painters: Painters, count: int, kept: Path) -> np.ndarray:
    """Return the first exercises' pictures in layers: uint8 [count, 3, height, width, 3].

    They are cached in a file: painting them takes minutes.
    """
    if not kept.exists():
        chunks = range(math.ceil(count / CHUNK))
        np.save(kept, np.concatenate([painters.paint(chunk)[0] for chunk in chunks])[:count])
    return np.asarray(np.load(kept))


_painter: Painter  # of a forked process


def _begin(painter: Painter) -> None:
    global _painter
    _painter = painter


def _paint(chunk: int) -> Painted:
    return _painter.paint(chunk)

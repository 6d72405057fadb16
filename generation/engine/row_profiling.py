"""Measuring how many rows a forward pass should have, once for each size."""

import logging
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from generation.engine.batcher import Bucket
from generation.engine.device import describe
from generation.engine.row_profile import LADDER, Profile, read_profiles, write_profiles
from generation.families.pipeline import Pipeline
from generation.loading.memory import is_out_of_memory, peak_bytes

log = logging.getLogger(__name__)

# A step of the ladder is repeated for this long in total, or this many times. The fastest run
# counts, because other programs only ever slow one down, and so does being the first of its size.
ENOUGH_S = 0.35
MOST_RUNS = 3
PATIENCE = 2  # steps that did not pay, after which measuring stops where it takes long


class Profiles:
    """A device's profiles by checkpoint and size, stored in ``file`` if given.

    Measuring one takes as long as dozens of steps; after each ``alive`` is called.
    """

    def __init__(
        self,
        device: torch.device,
        file: Path | None = None,
        alive: Callable[[], None] = lambda: None,
    ) -> None:
        self._device = device
        self._file = file
        self._alive = alive
        self._known: dict[str, Profile] = {}
        self._knees: dict[tuple[str, tuple[int, ...]], int] = {}
        self._read()

    def of(self, pipeline: Pipeline, bucket: Bucket) -> Profile:
        """Return the profile of a bucket's size, measuring it now if necessary."""
        height, width = (side * pipeline.scale_factor for side in bucket.latents[1:])
        place = (
            f"{describe(self._device)}, torch {torch.__version__}"
            f" | {bucket.checkpoint}, {pipeline.parameters / 1e6:.1f} M parameters"
            f" | {width}×{height} px{', compiled' if pipeline.compiled else ''}"
        )
        if place not in self._known:
            self._read()  # another worker on such a device may have measured it
        if place not in self._known:
            self._known[place] = _measure(pipeline, width, height, self._alive)
            log.info("%s: %d rows a forward pay", place, self._known[place].knee)
            if self._file is not None and self._known[place].seconds:
                try:
                    write_profiles(self._file, {place: self._known[place]})
                except OSError as error:  # the next start measures again
                    log.warning("%s: %s", self._file, error)
        self._knees[bucket.checkpoint, bucket.latents] = self._known[place].knee
        return self._known[place]

    def knee(self, bucket: Bucket) -> int | None:
        """Return the knee of a bucket's size, None if nobody has needed it yet."""
        return self._knees.get((bucket.checkpoint, bucket.latents))

    def _read(self) -> None:
        if self._file is not None and self._file.exists():
            self._known |= read_profiles(self._file)


def _measure(pipeline: Pipeline, width: int, height: int, alive: Callable[[], None]) -> Profile:
    """Time forward passes with increasing rows until they no longer pay or fit, and a decode."""

    def forward(rows: int) -> None:
        pipeline.predict([row] * rows)
        pipeline.wait()
        alive()

    profile = Profile([], 0, 0)
    try:
        row, empty = pipeline.empty_row(width, height), pipeline.latents(width, height)
        counts = pipeline.row_counts(row) or LADDER
        forward(1)  # one-time setup is not counted
        decode_bytes = peak_bytes(pipeline.device, lambda: pipeline.decode(empty))
        for rows in (rows for rows in LADDER if rows <= counts[-1]):
            times: list[float] = []
            used = peak_bytes(pipeline.device, partial(_repeat, partial(forward, rows), times))
            row_bytes = max(profile.row_bytes, used // rows)
            profile = Profile([*profile.seconds, min(times)], row_bytes, decode_bytes)
            is_slow = min(times) >= ENOUGH_S
            if is_slow and len(profile.seconds) - LADDER.index(profile.knee) > PATIENCE:
                break
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
    return profile


def _repeat(work: Callable[[], None], times: list[float]) -> None:
    """Repeat the work until its duration, in seconds, is known well enough."""
    while len(times) < MOST_RUNS and sum(times) < ENOUGH_S:
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)

"""How many rows a forward should have on this device, measured once for each size and kept."""

import json
import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import torch

from generation.batcher import Bucket
from generation.memory import is_out_of_memory, peak_bytes
from generation.pipeline import Pipeline, describe

log = logging.getLogger(__name__)

LADDER = (1, 2, 4, 8, 12, 16, 24, 32)  # numbers of rows that are measured
WORTHWHILE = 1.1  # a step up the ladder must raise the throughput by 10 %
RUNS = 2  # of each step; the faster one counts, because other programs only ever slow it down


@dataclass(frozen=True, slots=True)
class Profile:
    """What was measured at one size.

    ``seconds`` holds how long a forward takes with so many rows of `LADDER`, from the first.
    ``row_bytes`` is what each row needs while it runs, ``decode_bytes`` what the VAE needs for one
    picture; both are 0 where the system does not tell.
    """

    seconds: list[float]
    row_bytes: int
    decode_bytes: int

    @property
    def knee(self) -> int:
        """The number of rows from which on more of them hardly raise the throughput."""
        knee = 0
        for step in range(1, len(self.seconds)):
            if self._throughput(step) < WORTHWHILE * self._throughput(knee):
                break
            knee = step
        return LADDER[knee]

    def fitting(self, free: int) -> int:
        """Return how many rows ``free`` bytes hold beside one decode; at least one is tried."""
        if not free or not self.row_bytes:
            return LADDER[-1]
        return max(1, min(LADDER[-1], (free - self.decode_bytes) // self.row_bytes))

    def _throughput(self, step: int) -> float:
        return LADDER[step] / self.seconds[step]


class Profiles:
    """The profiles of a device by checkpoint and size, kept in ``file`` if there is one."""

    def __init__(self, device: torch.device, file: Path | None = None) -> None:
        self._device = device
        self._file = file
        self._known: dict[str, Profile] = {}
        if file is not None and file.exists():
            self._known = read_profiles(file)

    def of(self, pipeline: Pipeline, bucket: Bucket) -> Profile:
        """Return the profile of a bucket's size, measured now if it never was."""
        place = (
            f"{describe(self._device)}, torch {torch.__version__}"
            f" | {bucket.checkpoint}, {pipeline.parameters / 1e6:.1f} M parameters"
            f" | {bucket.width}×{bucket.height} px"
        )
        if place not in self._known:
            self._known[place] = _measure(pipeline, bucket)
            log.info("%s: %d rows a forward pay", place, self._known[place].knee)
            self._keep()
        return self._known[place]

    def _keep(self) -> None:
        if self._file is None:
            return
        part = self._file.with_suffix(".part")
        table = {place: asdict(profile) for place, profile in self._known.items()}
        part.write_text(json.dumps(table, indent=1, ensure_ascii=False), "utf-8")
        part.replace(self._file)


def read_profiles(file: Path) -> dict[str, Profile]:
    """Return what is kept in a file, by place; nothing where it is damaged."""
    try:
        table = json.loads(file.read_text("utf-8"))
        profiles = {place: Profile(**entry) for place, entry in table.items()}
        _ = [profile.knee for profile in profiles.values()]  # so that numbers are numbers
    except (OSError, ValueError, TypeError, AttributeError, ArithmeticError) as error:
        log.warning("%s: %s; it is measured anew", file, error)
        return {}
    return profiles


def _measure(pipeline: Pipeline, bucket: Bucket) -> Profile:
    """Run forwards of more and more rows until that does not pay or fit, and decode a picture."""
    shape = pipeline.latent_shape(bucket.width, bucket.height)
    embedding = pipeline.encode_prompts("").embedding
    zeros = torch.zeros((1, *shape), dtype=embedding.dtype, device=embedding.device)

    def forward(rows: int) -> None:
        latents, embeddings = zeros.repeat(rows, 1, 1, 1), embedding.repeat(rows, 1, 1)
        pipeline.predict_noise(latents, torch.zeros(rows), embeddings)
        pipeline.wait()

    profile = Profile([], 0, 0)
    try:
        forward(1)  # what the first call sets up does not count
        decode_bytes = peak_bytes(pipeline.device, lambda: pipeline.decode(zeros))
        for rows in LADDER:
            used = peak_bytes(pipeline.device, partial(forward, rows))
            seconds = min(_time(partial(forward, rows)) for _ in range(RUNS))
            row_bytes = max(profile.row_bytes, used // rows)
            profile = Profile([*profile.seconds, seconds], row_bytes, decode_bytes)
            if profile.knee < rows:
                break
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
    return profile


def _time(work: Callable[[], None]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun

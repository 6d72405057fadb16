"""Picks the samples that share the next forward pass."""

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from generation.engine.sample import Sample


@dataclass(frozen=True, slots=True)
class Bucket:
    """What samples must have in common to share a forward pass.

    ``latents`` is the shape [channels, h, w] of a row's, ``conditioning`` those of what it is drawn
    for, by name. Sampler, steps, guidance, strength and seed are not included: those can differ.
    """

    checkpoint: str
    latents: tuple[int, ...]
    conditioning: tuple[tuple[str, tuple[int, ...]], ...] = ()


class Batcher:
    """The samples being denoised, by bucket, and the order of the buckets.

    Buckets share the device by deficit round robin (Shreedhar and Varghese, SIGCOMM 1995): a turn
    earns a bucket a quantum of seconds, which its ticks then use up. A tick's duration is known
    only afterwards, so a deficit may become negative, and the next turns pay it back.
    """

    def __init__(self) -> None:
        self._samples: dict[Bucket, list[Sample]] = {}
        self._round: deque[Bucket] = deque()  # the current bucket first
        self._deficit: dict[Bucket, float] = {}
        self._latest: dict[Bucket, float] = {}

    def __len__(self) -> int:
        return sum(len(samples) for samples in self._samples.values())

    def of(self, bucket: Bucket) -> "list[Sample]":
        """Return the bucket's samples in the order in which they joined."""
        return self._samples.get(bucket, [])

    def rows(self, bucket: Bucket) -> int:
        """Return how many rows the bucket's next forward pass takes."""
        return sum(sample.rows for sample in self.of(bucket))

    def join(self, sample: "Sample") -> None:
        """Add a sample, from the next tick of its bucket on."""
        if sample.bucket not in self._samples:
            self._samples[sample.bucket] = []
            self._round.append(sample.bucket)
            self._deficit[sample.bucket] = 0.0
            self._latest[sample.bucket] = 0.0
        self._samples[sample.bucket].append(sample)

    def leave(self, sample: "Sample") -> None:
        """Remove a sample, between any two ticks."""
        samples = self._samples[sample.bucket]
        samples.remove(sample)
        if not samples:
            del self._samples[sample.bucket], self._deficit[sample.bucket]
            del self._latest[sample.bucket]
            self._round.remove(sample.bucket)

    def pick(self) -> Bucket | None:
        """Return the bucket whose turn it is, or None if nothing is being denoised."""
        if not self._round:
            return None
        # The longest of their latest ticks, so that a turn is always enough for one.
        quantum = max(self._latest.values())
        while len(self._round) > 1 and self._deficit[self._round[0]] < 0:
            self._round.rotate(-1)
            self._deficit[self._round[0]] += quantum
        return self._round[0]

    def spend(self, bucket: Bucket, seconds: float) -> None:
        """Charge a bucket for a tick; it may have left since."""
        if bucket in self._deficit:
            alone = len(self._round) == 1
            self._deficit[bucket] = 0.0 if alone else self._deficit[bucket] - seconds
            self._latest[bucket] = seconds

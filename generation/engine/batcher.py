"""Picks the samples that share the next UNet forward."""

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from generation.engine.sample import Sample


@dataclass(frozen=True, slots=True)
class Bucket:
    """What samples must have in common to share a forward; sizes in pixels.

    Sampler, steps, guidance, strength and seed are not in it: those mix.
    """

    checkpoint: str
    width: int
    height: int
    chunks: int


class Batcher:
    """The samples that are being denoised, by bucket, and which bucket's turn it is.

    Buckets share the device by deficit round robin (Shreedhar and Varghese, SIGCOMM 1995): a turn
    earns a bucket a quantum of seconds, which its ticks then use up. What a tick takes is known
    only afterwards, so a deficit may end below zero, and the next turns pay it back.
    """

    def __init__(self) -> None:
        self._samples: dict[Bucket, list[Sample]] = {}
        self._round: deque[Bucket] = deque()  # whose turn it is comes first
        self._deficit: dict[Bucket, float] = {}
        self._latest: dict[Bucket, float] = {}

    def __len__(self) -> int:
        return sum(len(samples) for samples in self._samples.values())

    def of(self, bucket: Bucket) -> "list[Sample]":
        """Return the bucket's samples in the order in which they joined."""
        return self._samples.get(bucket, [])

    def rows(self, bucket: Bucket) -> int:
        """Return how many rows the bucket's next forward takes."""
        return sum(sample.rows for sample in self.of(bucket))

    def join(self, sample: "Sample") -> None:
        """Let a sample take part from the next tick of its bucket on."""
        if sample.bucket not in self._samples:
            self._samples[sample.bucket] = []
            self._round.append(sample.bucket)
            self._deficit[sample.bucket] = 0.0
            self._latest[sample.bucket] = 0.0
        self._samples[sample.bucket].append(sample)

    def leave(self, sample: "Sample") -> None:
        """Take a sample out, between any two ticks."""
        samples = self._samples[sample.bucket]
        samples.remove(sample)
        if not samples:
            del self._samples[sample.bucket], self._deficit[sample.bucket]
            del self._latest[sample.bucket]
            self._round.remove(sample.bucket)

    def pick(self) -> Bucket | None:
        """Return the bucket whose turn it is, or None where nothing is being denoised."""
        if not self._round:
            return None
        # As long as the longest of their latest ticks, so that a turn is always enough for one.
        quantum = max(self._latest.values())
        while len(self._round) > 1 and self._deficit[self._round[0]] < 0:
            self._round.rotate(-1)
            self._deficit[self._round[0]] += quantum
        return self._round[0]

    def spend(self, bucket: Bucket, seconds: float) -> None:
        """Charge a bucket for a tick of its own; it may have left since."""
        if bucket in self._deficit:
            alone = len(self._round) == 1
            self._deficit[bucket] = 0.0 if alone else self._deficit[bucket] - seconds
            self._latest[bucket] = seconds

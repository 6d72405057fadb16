"""One forward pass for many samples, split if it does not fit the device."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import compress
from operator import not_

import torch

from generation.engine.batcher import Bucket
from generation.engine.sample import Sample
from generation.errors import OutOfMemory
from generation.families.pipeline import Pipeline, Row
from generation.loading.memory import is_out_of_memory

log = logging.getLogger(__name__)

CALM_TICKS = 64  # without running out of memory, after which a bucket's limit is doubled again
NO_LIMIT = 128  # rows; more than any forward pass takes


class Forward:
    """Predicts the noise of samples that share a bucket.

    ``row_counts`` are the only row counts a forward pass may have, in ascending order; it is padded
    to the next one. With a single count, every row always goes through the same kernels, and a
    picture's bits do not depend on other requests. Empty: any count. ``make_room`` frees memory on
    a full device, and returns whether there was any to free.
    """

    def __init__(self, make_room: Callable[[], bool], row_counts: tuple[int, ...] = ()) -> None:
        self._make_room = make_room
        self._row_counts = row_counts
        self._limits: dict[Bucket, int] = {}
        self._calm: dict[Bucket, int] = {}

    def limit(self, bucket: Bucket) -> int:
        """Return how many rows fit since memory last ran out; `NO_LIMIT` if it never did."""
        return self._limits.get(bucket, NO_LIMIT)

    def predict(self, pipeline: Pipeline, samples: list[Sample]) -> list[torch.Tensor]:
        """Return each sample's guided model output [1, channels, h, w].

        Rows are ordered as in diffusers' own pipeline of the family, so that the same kernels add
        in the same order: therefore a request that runs alone gives pictures bit-identical to that
        pipeline's. Samples are not changed, so a failed forward pass can be repeated. Raises
        OutOfMemory if not even one row fits.
        """
        groups = [[row for row in sample.next_rows() if row is not None] for sample in samples]
        outputs = self._run_apart(pipeline, samples[0].bucket, groups)
        return [
            pipeline.guide(found[0], found[1], sample.request) if sample.guided else found[0]
            for sample, found in zip(samples, outputs, strict=True)
        ]

    def _run_apart(
        self, pipeline: Pipeline, bucket: Bucket, groups: list[list[Row]]
    ) -> list[list[torch.Tensor]]:
        """Run the samples together, unless some would miss the compiled kernels for others' sake.

        Those with LoRAs, nets, references or tiling do. That matters where the kernels must always
        be the same.
        """
        plain = [all(row.is_plain for row in group) for group in groups]
        if len({*plain}) < 2 or not (self._row_counts and pipeline.row_counts(groups[0][0])):
            return self._run(pipeline, bucket, groups)
        outputs = {
            kind: iter(self._run(pipeline, bucket, [*compress(groups, wanted)]))
            for kind, wanted in ((False, map(not_, plain)), (True, plain))
        }
        return [next(outputs[kind]) for kind in plain]

    def _run(
        self, pipeline: Pipeline, bucket: Bucket, groups: list[list[Row]]
    ) -> list[list[torch.Tensor]]:
        """Run each sample's rows, halving them as long as the device runs out of memory."""
        if self._row_counts:  # the memory layout, too, affects the choice of kernels
            groups = [
                [replace(row, latents=row.latents.contiguous()) for row in group]
                for group in groups
            ]
        fixed = bool(self._row_counts)
        counts = self._row_counts or pipeline.row_counts(groups[0][0])
        rows = sum(len(group) for group in groups)
        tried_one_row = False
        while True:
            sizes = self._sizes(bucket, rows, counts)
            try:
                outputs = _in_parts(pipeline, groups, sizes, fixed=fixed)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                log.info("%d rows do not fit: %s", min(rows, sizes[-1]), error)
            else:
                self._calm_down(bucket)
                return outputs
            # Outside the handler, whose traceback keeps the forward pass's tensors alive.
            if self._make_room():
                continue
            tried = _padded(min(rows, sizes[-1]), sizes)
            if tried == 1 and tried_one_row:
                raise OutOfMemory("not even one row fits")
            tried_one_row = tried == 1
            self._limits[bucket] = max(1, tried // 2)
            self._calm[bucket] = 0

    def _sizes(self, bucket: Bucket, rows: int, counts: tuple[int, ...]) -> Sequence[int]:
        """Return the currently allowed row counts, in ascending order."""
        limit = self.limit(bucket)
        if not counts:
            return range(1, min(limit, rows) + 1)
        return [count for count in counts if count <= limit] or (limit,)

    def _calm_down(self, bucket: Bucket) -> None:
        if bucket not in self._limits:
            return
        self._calm[bucket] += 1
        if self._calm[bucket] == CALM_TICKS:
            self._calm[bucket] = 0
            self._limits[bucket] *= 2
            if self._limits[bucket] > NO_LIMIT:
                del self._limits[bucket]


def _in_parts(
    pipeline: Pipeline, groups: list[list[Row]], sizes: Sequence[int], *, fixed: bool
) -> list[list[torch.Tensor]]:
    """Run each sample's rows in parts of at most the largest size, each padded to the next size.

    A sample's rows stay together, unless there is room for one only: where they differ in length,
    what a row goes through depends on the other.
    """
    most = sizes[-1]
    if most == 1:
        return [[pipeline.run([row], fixed=fixed)[0] for row in group] for group in groups]
    outputs: list[list[torch.Tensor]] = []
    part: list[list[Row]] = []
    for group in groups:
        if sum(map(len, part)) + len(group) > most:
            outputs += _predict(pipeline, part, sizes, fixed=fixed)
            part = []
        part.append(group)
    return outputs + _predict(pipeline, part, sizes, fixed=fixed)


def _predict(
    pipeline: Pipeline, part: list[list[Row]], sizes: Sequence[int], *, fixed: bool
) -> list[list[torch.Tensor]]:
    """Run each sample's rows at once, in the order of diffusers' own pipeline."""
    places = [(second, index) for index, rows in enumerate(part) for second in range(len(rows))]
    places.sort(key=lambda place: place[0], reverse=pipeline.negatives_first)
    rows = [part[index][second] for second, index in places]
    missing = _padded(len(rows), sizes) - len(rows)
    outputs = pipeline.run(rows + rows[-1:] * missing, fixed=fixed)
    found = dict(zip(places, outputs, strict=False))
    return [
        [found[second, index] for second in range(len(rows))] for index, rows in enumerate(part)
    ]


def _padded(rows: int, sizes: Sequence[int]) -> int:
    return next(size for size in sizes if size >= rows)

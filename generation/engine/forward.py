"""One forward pass for many samples, split if it does not fit the device."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch

from generation.engine.batcher import Bucket
from generation.engine.sample import Sample
from generation.errors import OutOfMemory
from generation.families.pipeline import Pipeline, Row
from generation.loading.memory import is_out_of_memory

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
        both = [sample.next_rows() for sample in samples]
        towards = [row for row, _ in both]
        away = [row for _, row in both if row is not None]
        first, second = (away, towards) if pipeline.negatives_first else (towards, away)
        outputs = self._run_apart(pipeline, samples[0].bucket, first + second)
        parts = outputs[: len(first)], outputs[len(first) :]
        against, along = parts if pipeline.negatives_first else reversed(parts)
        negatives = iter(against)
        return [
            pipeline.guide(output, next(negatives), sample.request) if sample.guided else output
            for sample, output in zip(samples, along, strict=True)
        ]

    def _run_apart(self, pipeline: Pipeline, bucket: Bucket, rows: list[Row]) -> list[torch.Tensor]:
        """Run the rows together, unless others' adapters would keep some from compiled kernels.

        That matters where the kernels must always be the same.
        """
        adapted = [row for row in rows if row.adapters]
        plain = [row for row in rows if not row.adapters]
        if not (adapted and plain and self._row_counts and pipeline.row_counts(rows[0])):
            return self._run(pipeline, bucket, rows)
        with_any = iter(self._run(pipeline, bucket, adapted))
        without = iter(self._run(pipeline, bucket, plain))
        return [next(with_any if row.adapters else without) for row in rows]

    def _run(self, pipeline: Pipeline, bucket: Bucket, rows: list[Row]) -> list[torch.Tensor]:
        """Run the rows, halving them as long as the device runs out of memory."""
        if self._row_counts:  # the memory layout, too, affects the choice of kernels
            rows = [replace(row, latents=row.latents.contiguous()) for row in rows]
        fixed = bool(self._row_counts)
        counts = self._row_counts or pipeline.row_counts(rows[0])
        tried_one_row = False
        while True:
            sizes = self._sizes(bucket, len(rows), counts)
            try:
                outputs = _in_parts(pipeline, rows, sizes, fixed=fixed)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
            else:
                self._calm_down(bucket)
                return outputs
            # Outside the handler, whose traceback keeps the forward pass's tensors alive.
            if self._make_room():
                continue
            tried = _padded(min(len(rows), sizes[-1]), sizes)
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
    pipeline: Pipeline, rows: list[Row], sizes: Sequence[int], *, fixed: bool
) -> list[torch.Tensor]:
    """Run the rows in parts of the largest size, each part padded to the next size."""
    outputs: list[torch.Tensor] = []
    for begin in range(0, len(rows), sizes[-1]):
        part = rows[begin : begin + sizes[-1]]
        missing = _padded(len(part), sizes) - len(part)
        outputs += pipeline.run(part + part[-1:] * missing, fixed=fixed)[: len(part)]
    return outputs


def _padded(rows: int, sizes: Sequence[int]) -> int:
    return next(size for size in sizes if size >= rows)

"""One UNet forward pass for many samples, split if it does not fit the device."""

from collections.abc import Callable, Sequence

import torch

from generation.engine.batcher import Bucket
from generation.engine.pipeline import Pipeline
from generation.engine.sample import Sample
from generation.errors import OutOfMemory
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

        Rows are ordered as in StableDiffusionPipeline, negative prompts first, so that the same
        kernels add in the same order: therefore a request that runs alone gives pictures
        bit-identical to that pipeline's. Samples are not changed, so a failed forward pass can be
        repeated. Raises OutOfMemory if not even one row fits.
        """
        guided = [sample for sample in samples if sample.negative is not None]
        inputs = {sample: sample.model_input() for sample in samples}
        rows = guided + samples
        negatives = [sample.negative for sample in guided if sample.negative is not None]
        output = self._run(
            pipeline,
            samples[0].bucket,
            torch.cat([inputs[sample] for sample in rows]),
            torch.stack([sample.timestep.float() for sample in rows]),
            torch.cat(negatives + [sample.embedding for sample in samples]),
        ).split(1)
        away = dict(zip(guided, output[: len(guided)], strict=True))
        return [
            away[sample] + sample.guidance_scale * (towards - away[sample])
            if sample in away
            else towards
            for sample, towards in zip(samples, output[len(guided) :], strict=True)
        ]

    def _run(self, pipeline: Pipeline, bucket: Bucket, *stacked: torch.Tensor) -> torch.Tensor:
        """Run the stacked rows, halving them as long as the device runs out of memory."""
        latents, _, embeddings = stacked
        counts = self._row_counts or pipeline.row_counts(latents, embeddings)
        rows = len(latents)
        tried_one_row = False
        while True:
            sizes = self._sizes(bucket, rows, counts)
            try:
                output = _in_parts(pipeline, stacked, sizes)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
            else:
                self._calm_down(bucket)
                return output
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
    pipeline: Pipeline, stacked: tuple[torch.Tensor, ...], sizes: Sequence[int]
) -> torch.Tensor:
    """Run the rows in parts of the largest size, each part padded to the next size."""
    if len(stacked[0]) in sizes:
        return pipeline.predict_noise(*stacked)
    outputs = []
    for part in zip(*(tensor.split(sizes[-1]) for tensor in stacked), strict=True):
        rows = len(part[0])
        padded = (_pad(tensor, _padded(rows, sizes)) for tensor in part)
        outputs.append(pipeline.predict_noise(*padded)[:rows])
    return torch.cat(outputs) if len(outputs) > 1 else outputs[0]


def _padded(rows: int, sizes: Sequence[int]) -> int:
    return next(size for size in sizes if size >= rows)


def _pad(tensor: torch.Tensor, rows: int) -> torch.Tensor:
    """Repeat the last row until there are ``rows``."""
    missing = rows - len(tensor)
    return (
        torch.cat([tensor, tensor[-1:].expand(missing, *tensor.shape[1:])]) if missing else tensor
    )

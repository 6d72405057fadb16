"""Loaded adapters, as many as a bound on memory allows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from generation.architectures import Sampler
from generation.catalog import Catalog, Checkpoint
from generation.catalog.adapters import find_adapter, weights_of
from generation.conditions.adapters.adapter_file import LoadedAdapter, load_adapter
from generation.conditions.adapters.row_adapters import Adapters
from generation.conditions.pool import Held, NoRoom, Pool, key_of
from generation.errors import InvalidRequest
from generation.loading.memory import total_bytes
from generation.phrases import Phrase
from generation.request import GenerationRequest

if TYPE_CHECKING:
    from generation.families.pipeline import Pipeline

LEAST_BYTES = 2**30  # a LoRA for SDXL of rank 128 takes 0.8 GiB in fp16
SHARE = 8  # of the device's memory, one in so many parts


@dataclass(frozen=True, eq=False)
class Lease:
    """A request's adapters; they stay loaded as long as anybody holds this.

    ``files`` are theirs, by the names that the request has.
    """

    adapters: Adapters
    held: Held[LoadedAdapter]
    files: Mapping[str, Path] = field(default_factory=dict)


class AdapterPool(Pool[LoadedAdapter]):
    """Keeps adapters on the device; ``most_bytes`` also limits a file."""

    def __init__(
        self, catalog: Catalog, device: torch.device, most_bytes: int | None = None
    ) -> None:
        super().__init__(most_bytes or max(LEAST_BYTES, total_bytes(device) // SHARE))
        self._catalog = catalog
        self._device = device

    def samplers(self, checkpoint: Checkpoint, request: GenerationRequest) -> tuple[Sampler, ...]:
        """Return the samplers that a checkpoint offers with a request's adapters.

        Raises AdapterUnavailable for one that is not in the catalog.
        """
        found = [find_adapter(use.name, self._catalog.adapters) for use in request.adapters]
        brought = {one.distillation.sampler for one in found if one.distillation}
        more = tuple(one for one in Sampler if one in brought - {*checkpoint.samplers})
        return (*checkpoint.samplers, *more)

    def take(self, pipeline: "Pipeline", request: GenerationRequest) -> Lease | None:
        """Return a request's adapters for its checkpoint, loading those that are not here.

        None as long as those in use leave no room for them: ask again later. A file that was
        replaced is loaded again. Raises AdapterUnavailable, and InvalidRequest if they do not fit
        even alone.
        """
        adapters = [find_adapter(use.name, self._catalog.adapters) for use in request.adapters]

        def load(place: int) -> LoadedAdapter:
            return load_adapter(
                adapters[place].name,
                adapters[place].path,
                pipeline.adapted,
                self._device,
                family=weights_of(pipeline.architecture.name),
                most_bytes=self.most_bytes,
            )

        loaded_for = f"{request.checkpoint} {pipeline.number}"
        keys = [key_of(loaded_for, adapter.path) for adapter in adapters]
        try:
            held = self.hold(keys, load, pipeline.row_adapters.forget)
        except NoRoom:
            most = self.most_bytes // 2**20
            raise InvalidRequest("adapters", Phrase("bound-adapters-memory", most=most)) from None
        if held is None:
            return None
        uses = zip(request.adapters, adapters, strict=True)
        files = {use.name: adapter.path for use, adapter in uses}
        return Lease(tuple(zip(held.items, request.adapters, strict=True)), held, files)

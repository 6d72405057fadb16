"""Loaded adapters, as many as a bound on memory allows."""

import logging
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from generation.adapters import Adapter, find_adapter
from generation.architectures import Sampler
from generation.catalog import Catalog, Checkpoint
from generation.conditions.adapter_file import LoadedAdapter, load_adapter
from generation.conditions.row_adapters import Adapters
from generation.errors import InvalidRequest
from generation.loading.memory import total_bytes
from generation.phrases import Phrase
from generation.request import GenerationRequest

if TYPE_CHECKING:
    from generation.families.pipeline import Pipeline

log = logging.getLogger(__name__)

LEAST_BYTES = 2**30  # a LoRA for SDXL of rank 128 takes 0.8 GiB in fp16
SHARE = 8  # of the device's memory, one in so many parts

Key = tuple[str, Path, int, int]


class AdapterPool:
    """Keeps adapters on the device, in at most ``most_bytes``; the least recently used goes first.

    One that is in use is never dropped. ``most_bytes`` also limits a file.
    """

    def __init__(
        self, catalog: Catalog, device: torch.device, most_bytes: int | None = None
    ) -> None:
        self._catalog = catalog
        self._device = device
        self.most_bytes = most_bytes or max(LEAST_BYTES, total_bytes(device) // SHARE)
        self._kept: dict[Key, LoadedAdapter] = {}  # most recently used last
        self.latest: list[LoadedAdapter] = []  # of the last request that took any
        # A request that waits, by its files, and those that it waits for.
        self._blocked: tuple[Sequence[Key], Collection[object]] = ((), ())

    @property
    def bytes(self) -> int:
        """How much memory they take."""
        return sum(one.bytes for one in self._kept.values())

    def __len__(self) -> int:
        return len(self._kept)

    def samplers(self, checkpoint: Checkpoint, request: GenerationRequest) -> tuple[Sampler, ...]:
        """Return the samplers that a checkpoint offers with a request's adapters.

        Raises AdapterUnavailable for one that is not in the catalog.
        """
        found = [find_adapter(use.name, self._catalog.adapters) for use in request.adapters]
        brought = {one.distillation.sampler for one in found if one.distillation}
        more = tuple(one for one in Sampler if one in brought - {*checkpoint.samplers})
        return (*checkpoint.samplers, *more)

    def take(
        self,
        pipeline: "Pipeline",
        request: GenerationRequest,
        in_use: Collection[LoadedAdapter],
    ) -> Adapters | None:
        """Return a request's adapters for its checkpoint, loading those that are not here.

        None as long as those ``in_use`` leave no room for them: ask again later. A file that was
        replaced is loaded again. Raises AdapterUnavailable, and InvalidRequest if they do not fit
        even alone.
        """
        adapters = [find_adapter(use.name, self._catalog.adapters) for use in request.adapters]
        keys = [_key(request.checkpoint, adapter.path) for adapter in adapters]
        wanted, blockers = self._blocked
        if keys == wanted and any(one.token in blockers for one in in_use):
            return None
        self.latest = mine = self._load(pipeline, adapters, keys, in_use)
        if self._shrink({*in_use, *mine}, self.most_bytes):
            return list(zip(mine, request.adapters, strict=True))
        self.latest = []
        self._shrink(in_use, self.most_bytes)
        if not set(in_use) <= set(mine):
            self._blocked = keys, {one.token for one in in_use}
            return None
        most = self.most_bytes // 2**20
        raise InvalidRequest("adapters", Phrase("bound-adapters-memory", most=most))

    def _load(
        self,
        pipeline: "Pipeline",
        adapters: Sequence[Adapter],
        keys: Sequence[Key],
        in_use: Collection[LoadedAdapter],
    ) -> list[LoadedAdapter]:
        """Return adapters, at most one more than there is room for beside those in use."""
        mine: list[LoadedAdapter] = []
        for adapter, key in zip(adapters, keys, strict=True):
            if not self._shrink({*in_use, *mine}, self.most_bytes):
                break
            found = self._kept.pop(key, None) or load_adapter(
                adapter.name,
                adapter.path,
                pipeline.adapted,
                self._device,
                family=pipeline.architecture.name,
                most_bytes=self.most_bytes,
            )
            self._kept[key] = found
            mine.append(found)
            self.latest = mine
        return mine

    def drop_all_but(self, in_use: Collection[LoadedAdapter]) -> bool:
        """Drop those that are not in use; return whether there were any."""
        before = len(self._kept)
        self._shrink(in_use, 0)
        return len(self._kept) < before

    def _shrink(self, in_use: Collection[LoadedAdapter], most: int) -> bool:
        """Drop the least recently used until the rest takes no more; return whether it does."""
        size = self.bytes
        for key, one in list(self._kept.items()):
            if size <= most:
                break
            if one not in in_use:
                del self._kept[key]
                size -= one.bytes
                log.info("%s makes room", key[1].name)
        return size <= most


def _key(checkpoint: str, file: Path) -> Key:
    try:
        stat = file.stat()
    except OSError:  # loading says so
        return checkpoint, file, 0, 0
    return checkpoint, file, stat.st_size, stat.st_mtime_ns

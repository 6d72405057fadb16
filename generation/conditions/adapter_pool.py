"""Loaded adapters, as many as a bound on memory allows."""

import logging
import weakref
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from generation.architectures import Sampler
from generation.catalog import Catalog, Checkpoint
from generation.catalog.adapters import Adapter, find_adapter, weights_of
from generation.conditions.adapter_file import LoadedAdapter, load_adapter
from generation.conditions.row_adapters import Adapters, RowAdapters
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


@dataclass(frozen=True, eq=False)
class Lease:
    """A request's adapters; they stay loaded as long as anybody holds this.

    ``files`` are theirs, by the names that the request has.
    """

    adapters: Adapters
    files: Mapping[str, Path] = field(default_factory=dict)


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
        self._in_use: Counter[LoadedAdapter] = Counter()  # by how many leases
        self._vain: set[object] = set()  # loaded by a request whose next one could not be
        # A request that waits, by its files, and those that it waits for.
        self._blocked: tuple[Sequence[Key], Collection[object]] = ((), ())

    @property
    def bytes(self) -> int:
        """How much memory they take."""
        return sum(one.bytes for one in self._kept.values())

    @property
    def in_use(self) -> Collection[LoadedAdapter]:
        """Those that somebody holds a lease of."""
        return self._in_use.keys()

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

    def take(self, pipeline: "Pipeline", request: GenerationRequest) -> Lease | None:
        """Return a request's adapters for its checkpoint, loading those that are not here.

        None as long as those in use leave no room for them: ask again later. A file that was
        replaced is loaded again. Raises AdapterUnavailable, and InvalidRequest if they do not fit
        even alone.
        """
        adapters = [find_adapter(use.name, self._catalog.adapters) for use in request.adapters]
        keys = [_key(request.checkpoint, adapter.path) for adapter in adapters]
        wanted, blockers = self._blocked
        if keys == wanted and any(one.token in blockers for one in self._in_use):
            return None
        others = set(self._in_use)
        mine = self._load(pipeline, adapters, keys)
        try:
            if self._shrink(self.most_bytes):
                files = {
                    use.name: one.path for use, one in zip(request.adapters, adapters, strict=True)
                }
                return self._lease(mine, files, request, pipeline)
        finally:
            self._give_back(mine)
        self._shrink(self.most_bytes)
        if not others <= set(mine):
            self._blocked = keys, {one.token for one in others}
            return None
        most = self.most_bytes // 2**20
        raise InvalidRequest("adapters", Phrase("bound-adapters-memory", most=most))

    def _lease(
        self,
        mine: list[LoadedAdapter],
        files: Mapping[str, Path],
        request: GenerationRequest,
        pipeline: "Pipeline",
    ) -> Lease:
        lease = Lease(tuple(zip(mine, request.adapters, strict=True)), files)
        if mine:
            self._in_use.update(mine)
            ended = weakref.finalize(lease, self._end, mine, pipeline.row_adapters)
            ended.atexit = False
        return lease

    def _end(self, mine: list[LoadedAdapter], rows: RowAdapters) -> None:
        rows.forget()
        self._give_back(mine)

    def _give_back(self, mine: list[LoadedAdapter]) -> None:
        self._in_use -= Counter(mine)

    def _load(
        self, pipeline: "Pipeline", adapters: Sequence[Adapter], keys: Sequence[Key]
    ) -> list[LoadedAdapter]:
        """Return adapters, in use now, at most one more than there is room for."""
        mine: list[LoadedAdapter] = []
        try:
            for adapter, key in zip(adapters, keys, strict=True):
                if not self._shrink(self.most_bytes):
                    break
                found = self._kept.pop(key, None) or load_adapter(
                    adapter.name,
                    adapter.path,
                    pipeline.adapted,
                    self._device,
                    family=weights_of(pipeline.architecture.name),
                    most_bytes=self.most_bytes,
                )
                self._kept[key] = found
                self._in_use[found] += 1
                mine.append(found)
        except BaseException:
            self._vain = {one.token for one in mine}
            self._give_back(mine)
            raise
        return mine

    def drop_idle(self) -> bool:
        """Drop those that are not in use; return whether that can help.

        It cannot if only those are dropped that the last request loaded before memory ran out.
        """
        before = {one.token for one in self._kept.values()}
        self._shrink(0)
        return not before - {one.token for one in self._kept.values()} <= self._vain

    def _shrink(self, most: int) -> bool:
        """Drop the least recently used until the rest takes no more; return whether it does."""
        size = self.bytes
        for key, one in list(self._kept.items()):
            if size <= most:
                break
            if one not in self._in_use:
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

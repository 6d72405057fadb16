"""The cache of loaded checkpoints, as many as fit."""

import logging
from collections.abc import Callable, Collection
from dataclasses import replace

import torch

from generation.catalog import Catalog, Checkpoint
from generation.engine.device import pick_dtype
from generation.families.pipeline import Pipeline, family_of
from generation.loading.memory import free_bytes, is_out_of_memory, release
from generation.loading.model_loader import Files, find_files, load_parts
from generation.options import Compile, EngineOptions
from generation.request import Aspect

log = logging.getLogger(__name__)

# Left free beside the weights, for forward passes and a decode: 768² px take about 2 GiB in fp32.
RESERVE = 2 * 2**30


class ModelCache:
    """Caches pipelines by checkpoint name; the least recently used is evicted first.

    The default checkpoint is compiled for its own size if the options say so, and a checkpoint's
    safety checker is loaded with it if pictures are checked.
    """

    def __init__(
        self, catalog: Catalog, device: torch.device, options: EngineOptions | None = None
    ) -> None:
        self._catalog = catalog
        self._device = device
        self._options = options or EngineOptions()
        self._pipelines: dict[str, Pipeline] = {}  # most recently used last
        self._loaded: dict[str, Checkpoint] = {}  # as they were when they were loaded
        self._found: dict[str, Files] = {}  # of checkpoints waiting for room
        self._blockers: dict[str, Collection[str]] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The loaded checkpoints, least recently used first."""
        return tuple(self._pipelines)

    def take(
        self, name: str, on_loading: Callable[[str], None], in_use: Collection[str] = ()
    ) -> Pipeline | None:
        """Return a checkpoint's pipeline; ``on_loading`` is called if it must be loaded.

        None as long as those ``in_use`` leave no room for it: ask again later. Raises
        CheckpointUnavailable, or the allocator's error if it is too large even alone.
        """
        if name in self._pipelines and name not in in_use and self._is_outdated(name):
            self._drop(name)
        if name in self._pipelines:
            self._pipelines[name] = self._pipelines.pop(name)
            return self._pipelines[name]
        if any(blocker in in_use for blocker in self._blockers.pop(name, ())):
            self._blockers[name] = in_use
            return None
        files = self._found.pop(name, None)
        if files is None:
            on_loading(name)
            files = find_files(self._catalog[name], self._options.revisions)
            if not self._options.safety:
                files = replace(files, checker=())
        pipeline = self._load(files, in_use)
        if pipeline is None:
            self._found[name], self._blockers[name] = files, in_use
        else:
            self._pipelines[name] = pipeline
            self._loaded[name] = self._catalog[name]
        return pipeline

    def drop_all_but(self, kept: Collection[str]) -> bool:
        """Unload all others; return whether there were any."""
        others = [name for name in self._pipelines if name not in kept]
        for name in others:
            self._drop(name)
        return bool(others)

    def _load(self, files: Files, in_use: Collection[str]) -> Pipeline | None:
        dtype = pick_dtype(self._device, files, family_of(files.architecture).half)
        needed = files.values * dtype.itemsize + _checker_bytes(files, self._device) + RESERVE
        while free_bytes(self._device) < needed and self._drop_oldest(in_use):
            pass
        short = free_bytes(self._device) < needed
        if short and self._pipelines:
            return None
        while True:
            try:
                return self._build(files, dtype, short=short)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error) or not self._pipelines:
                    raise
            # Outside the handler, whose traceback keeps the loaded weights alive.
            if not self._drop_oldest(in_use):
                return None

    def _build(self, files: Files, dtype: torch.dtype, *, short: bool) -> Pipeline:
        checkpoint = self._catalog[files.name]
        parts = load_parts(files, dtype, checkpoint.scheduler_settings)
        compiled = self._options.compile
        compiles = compiled is not Compile.OFF and files.name == self._catalog.default
        offloads = short and self._device.type == "cuda" and not compiles
        pipeline = family_of(files.architecture)(parts, self._device, offloads=offloads)
        pipeline.embeddings.offer(lambda: self._catalog.embeddings)
        if compiles:
            pipeline.compile(compiled, *checkpoint.size_for(Aspect.SQUARE))
        return pipeline

    def _is_outdated(self, name: str) -> bool:
        """Whether the catalog has another file under this name by now."""
        return self._loaded[name] != self._catalog.checkpoints.get(name)

    def _drop_oldest(self, in_use: Collection[str]) -> bool:
        """Unload the least recently used one not in use; return whether there was one."""
        idle = next((name for name in self._pipelines if name not in in_use), None)
        if idle is not None:
            self._drop(idle)
        return idle is not None

    def _drop(self, name: str) -> None:
        log.info("%s makes room", name)
        del self._pipelines[name], self._loaded[name]
        release(self._device)


def _checker_bytes(files: Files, device: torch.device) -> int:
    """Return how much device memory a safety checker takes: it stays on the CPU."""
    if device.type != "cpu":
        return 0
    return sum(tensor.values for tensor in files.checker) * torch.float32.itemsize

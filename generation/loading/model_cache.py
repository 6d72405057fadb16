"""The cache of loaded checkpoints, as many as fit."""

import logging
import math
import time
from collections.abc import Callable, Collection, Generator, Iterable
from dataclasses import dataclass, replace
from typing import Any

import torch

from generation.catalog import Catalog
from generation.engine.device import pick_dtype
from generation.errors import CheckpointUnavailable
from generation.families.pipeline import Pipeline, family_of
from generation.loading.memory import free_bytes, is_out_of_memory, release
from generation.loading.model_loader import Files, Parts, find_files, load_gradually, store_in_fp8
from generation.options import Compile, EngineOptions
from generation.phrases import Phrase, reason_of
from generation.request import Aspect

log = logging.getLogger(__name__)

# Left free beside the weights, for forward passes and a decode: 768² px take about 2 GiB in fp32.
RESERVE = 2 * 2**30

# What loading may take of a tick while others are drawn; a forward pass takes about as long.
SLICE_S = 0.1
TOLD = 0.1  # the share that is loaded before more of it is told


@dataclass(slots=True)
class _Load:
    """A checkpoint on its way into memory; ``short`` if the device cannot hold everything."""

    files: Files
    reading: Generator[int, None, Parts]
    short: bool
    parts: Parts | None = None
    told: float = 0.0

    def advance(self, on_loading: Callable[[str, float], None], seconds: float) -> bool:
        """Go on for about this long; return whether everything is there."""
        begun = time.monotonic()
        while self.parts is None:
            try:
                share = next(self.reading) / max(1, self.files.values)
            except StopIteration as end:
                self.parts = end.value
                break
            if share >= self.told + TOLD:
                self.told = share
                on_loading(self.files.name, min(share, 1.0))
            if time.monotonic() - begun >= seconds:
                return False
        return True


class ModelCache:
    """Caches pipelines by checkpoint name; the least recently used is evicted first.

    The default checkpoint is compiled for its own size if the options say so, and a checkpoint's
    safety checker is loaded with it if pictures are checked. ``make_room`` drops what else is kept
    on the device; it is called before any checkpoint makes room for another.
    """

    def __init__(
        self,
        catalog: Catalog,
        device: torch.device,
        options: EngineOptions | None = None,
        make_room: Callable[[], object] = lambda: None,
    ) -> None:
        self._make_room = make_room
        self._catalog = catalog
        self._device = device
        self._options = options or EngineOptions()
        self._pipelines: dict[str, Pipeline] = {}  # most recently used last
        self._loaded: dict[str, tuple[Any, ...]] = {}  # from what; see `Checkpoint.loaded_from`
        self._found: dict[str, Files] = {}  # of checkpoints waiting for room
        self._loads: dict[str, _Load] = {}  # beside those in use
        self._blockers: dict[str, Collection[str]] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The loaded checkpoints, least recently used first."""
        return tuple(self._pipelines)

    def take(
        self,
        name: str,
        on_loading: Callable[[str, float], None],
        in_use: Collection[str] = (),
    ) -> Pipeline | None:
        """Return a checkpoint's pipeline; ``on_loading`` is told the share that is loaded, if not.

        None as long as those ``in_use`` leave no room for it, or as it is loading beside them:
        ask again later. Raises CheckpointUnavailable, or the allocator's error if it is too large
        even alone.
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
        if files is None and name not in self._loads:
            on_loading(name, 0.0)
            checkpoint = self._catalog[name]
            self._loaded[name] = checkpoint.loaded_from  # whatever it becomes meanwhile
            files = find_files(checkpoint, self._options.revisions)
            if not self._options.safety:
                files = replace(files, checker=())
        pipeline = self._load(name, files, in_use, on_loading)
        if pipeline is not None:
            self._pipelines[name] = pipeline
        return pipeline

    def is_loading(self, name: str) -> bool:
        """Whether a checkpoint is being loaded beside those in use."""
        return name in self._loads

    def stop_loading_all_but(self, wanted: Iterable[str]) -> None:
        """Forget what has been read of checkpoints that nobody waits for any more."""
        if self._loads:
            for name in self._loads.keys() - set(wanted):
                del self._loads[name]

    def drop_all_but(self, kept: Collection[str]) -> bool:
        """Unload all others; return whether there were any."""
        others = [name for name in self._pipelines if name not in kept]
        for name in others:
            self._drop(name)
        return bool(others)

    def _load(
        self,
        name: str,
        files: Files | None,
        in_use: Collection[str],
        on_loading: Callable[[str, float], None],
    ) -> Pipeline | None:
        while True:
            load = self._loads.pop(name, None) or self._begin(name, files, in_use)
            if load is None:
                return None
            files = load.files
            try:
                if load.advance(on_loading, SLICE_S if in_use else math.inf):
                    return self._build(load)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error) or not self._pipelines:
                    raise
            else:
                self._loads[name] = load
                return None
            del load
            # Outside the handler, whose traceback keeps the loaded weights alive.
            if not self._drop_oldest(in_use):
                self._found[name], self._blockers[name] = files, in_use
                return None

    def _begin(self, name: str, files: Files | None, in_use: Collection[str]) -> "_Load | None":
        """Begin to load a checkpoint, if there is room or nothing to wait for."""
        if files is None:
            raise AssertionError(f"{name} has not been looked for")
        dtype = pick_dtype(self._device, files, family_of(files.architecture).half)
        needed = self._weight_bytes(files, dtype) + _checker_bytes(files, self._device) + RESERVE
        if free_bytes(self._device) < needed:
            self._make_room()
        while free_bytes(self._device) < needed and self._drop_oldest(in_use):
            pass
        short = free_bytes(self._device) < needed
        if short and self._pipelines:
            self._found[name], self._blockers[name] = files, in_use
            return None
        reading = load_gradually(files, dtype, self._catalog[name].scheduler_settings)
        return _Load(files, reading, short=short)

    def _weight_bytes(self, files: Files, dtype: torch.dtype) -> int:
        if not self._options.fp8:
            return files.values * dtype.itemsize
        return files.denoiser + (files.values - files.denoiser) * dtype.itemsize

    def _build(self, load: "_Load") -> Pipeline:
        files, parts = load.files, load.parts
        if parts is None:
            raise AssertionError(f"{files.name} is not loaded yet")
        checkpoint = self._catalog[files.name]
        if self._options.fp8:
            store_in_fp8(parts)
        compiled = self._options.compile
        compiles = compiled is not Compile.OFF and files.name == self._catalog.default
        offloads = load.short and self._device.type == "cuda" and not compiles
        pipeline = family_of(files.architecture)(parts, self._device, offloads=offloads)
        pipeline.embeddings.offer(lambda: self._catalog.embeddings)
        try:
            pipeline.check_scheduler()
        except ValueError as error:
            place, why = str(files.single or files.folder), reason_of(error)
            raise CheckpointUnavailable(
                files.name, Phrase("checkpoint-file", file=place, why=why)
            ) from error
        if compiles:
            pipeline.compile(compiled, *checkpoint.size_for(Aspect.SQUARE))
        return pipeline

    def _is_outdated(self, name: str) -> bool:
        """Whether the catalog has another file under this name by now."""
        checkpoint = self._catalog.checkpoints.get(name)
        return checkpoint is not None and self._loaded[name] != checkpoint.loaded_from

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

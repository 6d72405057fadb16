"""The checkpoints that are loaded, as many as fit."""

import gc
import logging
from collections.abc import Callable

import torch

from generation.catalog import Catalog
from generation.memory import free_bytes, is_out_of_memory
from generation.parts import find_files, load_parts
from generation.pipeline import Pipeline, pick_dtype

log = logging.getLogger(__name__)

# Left free beside the weights, for forwards and for a decode: 768² px take about 2 GiB in fp32.
RESERVE = 2 * 2**30


class Shelf:
    """Keeps pipelines by their checkpoints' names; the least recently used one goes first."""

    def __init__(self, catalog: Catalog, device: torch.device) -> None:
        self._catalog = catalog
        self._device = device
        self._pipelines: dict[str, Pipeline] = {}  # the most recently used one last

    @property
    def names(self) -> tuple[str, ...]:
        """What is loaded, least recently used first."""
        return tuple(self._pipelines)

    def take(self, name: str, on_loading: Callable[[str], None]) -> Pipeline:
        """Return a checkpoint's pipeline; ``on_loading`` is called if it must be loaded.

        Raises CheckpointUnavailable, or what the device's allocator raises if it is too large
        even alone.
        """
        pipeline = self._pipelines.pop(name, None)
        if pipeline is None:
            checkpoint = self._catalog[name]
            on_loading(name)
            pipeline = self._load(name, checkpoint.prediction_type)
        self._pipelines[name] = pipeline
        return pipeline

    def drop_others(self, name: str) -> bool:
        """Give the memory of all others back; return whether there were any."""
        others = [other for other in self._pipelines if other != name]
        for other in others:
            self._drop(other)
        return bool(others)

    def _load(self, name: str, prediction_type: str | None) -> Pipeline:
        files = find_files(self._catalog[name])
        dtype = pick_dtype(self._device, files)
        needed = files.values * dtype.itemsize + RESERVE
        while self._pipelines and free_bytes(self._device) < needed:
            self._drop(next(iter(self._pipelines)))
        while True:
            try:
                return Pipeline(load_parts(files, dtype, prediction_type), self._device)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error) or not self._pipelines:
                    raise
            # Outside the handler, whose traceback holds on to what was loaded.
            self._drop(next(iter(self._pipelines)))

    def _drop(self, name: str) -> None:
        log.info("%s makes room", name)
        del self._pipelines[name]
        gc.collect()
        if self._device.type == "cuda":
            torch.cuda.empty_cache()

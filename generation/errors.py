"""Errors between a request and its pictures.

GenerationError
├── InvalidRequest           a field is out of range
├── CheckpointUnavailable    unknown, incomplete, pickled, or unreachable
├── AdapterUnavailable       unknown, damaged, or made for another family
├── CatalogInvalid           the owner's checkpoint file is missing or malformed
├── OutOfMemory              the device cannot hold even this one request
├── StepFailed               the sampler fails with these settings
├── NotChecked               a picture could not be scored, and is not returned
├── Cancelled                the request was cancelled
└── WorkerDied               the worker process died twice during this request

They cross the worker's pipe, so each one pickles to an equal error.
"""

import math
from pathlib import Path

from generation.phrases import Phrase


class GenerationError(Exception):
    """The base class; its text is one line that can be shown to a person."""


class InvalidRequest(GenerationError):
    """A field of a request is out of range."""

    def __init__(self, field: str, bound: str) -> None:
        super().__init__(field, bound)
        self.field = field
        self.bound = bound

    def __str__(self) -> str:
        return f"{self.field} must be {self.bound}"


class CheckpointUnavailable(GenerationError):
    """A checkpoint cannot be loaded; ``reason`` names the file or setting to look at."""

    def __init__(self, checkpoint: str, reason: str) -> None:
        super().__init__(checkpoint, reason)
        self.checkpoint = checkpoint
        self.reason = reason

    def __str__(self) -> str:
        return f'checkpoint "{self.checkpoint}": {self.reason}'


class AdapterUnavailable(GenerationError):
    """A LoRA or an embedding cannot be used; ``reason`` names the file to look at."""

    def __init__(self, adapter: str, reason: str) -> None:
        super().__init__(adapter, reason)
        self.adapter = adapter
        self.reason = reason

    def __str__(self) -> str:
        return f'"{self.adapter}": {self.reason}'


class CatalogInvalid(GenerationError):
    """The owner's catalog file is missing or malformed; ``reason`` names the key."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"catalog {self.path}: {self.reason}"


class OutOfMemory(GenerationError):
    """The device's memory cannot hold this request even alone."""


class StepFailed(GenerationError):
    """The request's sampler raised an error in one of its steps; the text is for the log."""


class NotChecked(GenerationError):
    """A picture's safety could not be determined; it is not returned."""


class Cancelled(GenerationError):
    """The request was cancelled before it was done."""


class WorkerDied(GenerationError):
    """The worker process died, was restarted, and died again during this request."""


class NoSuchDevice(Exception):
    """A device that was asked for is not there; the text is one line for the owner.

    No GenerationError: it is no request's.
    """


def bounded(field: str, value: float, bound: tuple[float, float]) -> None:
    """Raise InvalidRequest unless ``value`` is a number within ``bound``, ends included."""
    # NaN fails every comparison, so test that the value lies inside.
    if isinstance(value, bool) or not math.isfinite(value) or not bound[0] <= value <= bound[1]:
        raise InvalidRequest(field, Phrase("bound-between", least=bound[0], most=bound[1]))

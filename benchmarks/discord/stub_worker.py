"""The worker's process with an engine that draws nothing: what it costs is the bot's own."""

import io
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from multiprocessing.connection import Connection
from types import ModuleType, SimpleNamespace

from PIL import Image

from generation.catalog import Catalog
from generation.errors import Cancelled
from generation.options import EngineOptions
from generation.request import (
    Event,
    Failed,
    Finished,
    Picture,
    Progress,
    Request,
    Started,
    UpscaleRequest,
)
from generation.worker import worker

ROWS = 64  # eight requests for four pictures
STEP_S = 0.05
TILES = 4  # steps of an enlargement

serve = worker.main


def main(
    commands: Connection,
    messages: Connection,
    catalog: Catalog,
    options: EngineOptions,
    configure_logs: Callable[[], None],
) -> None:
    """Serve as the worker does."""
    engine, device = (
        ModuleType("generation.engine.engine"),
        ModuleType("generation.engine.device"),
    )
    engine.Engine = StubEngine  # type: ignore[attr-defined]
    device.describe = lambda one: one.type  # type: ignore[attr-defined]
    sys.modules.update({one.__name__: one for one in (engine, device)})
    serve(commands, messages, catalog, options, configure_logs)


@dataclass(slots=True)
class _Aboard:
    request: Request
    done: int = 0


class StubEngine:
    """The engine's surface: every tick, a step of all that is aboard."""

    device = SimpleNamespace(type="nothing")
    rows = ROWS

    def __init__(self, _catalog: Catalog, **_: object) -> None:
        self._aboard: dict[int, _Aboard] = {}
        self._cancelled: list[tuple[int, Event]] = []

    @property
    def idle(self) -> bool:
        """Whether the next tick has nothing to do."""
        return not (self._aboard or self._cancelled)

    def warm_up(self) -> None:
        """Load nothing."""

    def add(self, key: int, request: Request) -> None:
        """Take a request."""
        self._aboard[key] = _Aboard(request)

    def cancel(self, key: int) -> None:
        """Drop a request."""
        if self._aboard.pop(key, None):
            self._cancelled.append((key, Failed(Cancelled("cancelled"))))

    def look(self, key: int) -> None:
        """Draw a preview; there is one of every step."""

    def step(self) -> list[tuple[int, Event]]:
        """Take a step of every request; return the events."""
        events, self._cancelled = self._cancelled, []
        time.sleep(STEP_S)
        for key, aboard in list(self._aboard.items()):
            events += [(key, event) for event in _advance(aboard)]
            if isinstance(events[-1][1], Finished):
                del self._aboard[key]
        return events


def _advance(aboard: _Aboard) -> list[Event]:
    request = aboard.request
    if isinstance(request, UpscaleRequest):
        steps, zoom = TILES, request.factor
    else:
        steps, zoom = request.num_inference_steps, 1
    aboard.done += 1
    if aboard.done > steps:
        png = _picture(zoom * request.width, zoom * request.height)
        pictures = [
            Picture(index, request.seed + index, png, 0.0) for index in range(request.num_images)
        ]
        return [*pictures, Finished(steps * STEP_S)]
    begun: list[Event] = [Started()] if aboard.done == 1 else []
    return [*begun, Progress(aboard.done, steps, _preview())]


@cache
def _picture(width: int, height: int) -> bytes:
    return _file("PNG", width, height)


@cache
def _preview() -> bytes:
    return _file("WEBP", 128, 128)


def _file(kind: str, width: int, height: int) -> bytes:
    colours = Image.frombytes("RGB", (8, 8), random.Random(0).randbytes(192))  # noqa: S311
    file = io.BytesIO()
    colours.resize((width, height), Image.Resampling.BICUBIC).save(file, kind)
    return file.getvalue()

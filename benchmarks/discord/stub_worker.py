"""A worker that draws without torch, where the drawing is not what is tested or measured.

It is the worker's process, with its pipes, signals and logs; only the engine in it is another. The
tests of `tests/wire` have it, too.
"""

import io
import random
import sys
import time
from collections.abc import Callable
from functools import lru_cache
from multiprocessing.connection import Connection
from types import ModuleType, SimpleNamespace

from PIL import Image

from generation.catalog import Catalog
from generation.errors import Cancelled, GenerationError
from generation.options import EngineOptions
from generation.request import (
    Event,
    Failed,
    Finished,
    GenerationRequest,
    Loading,
    Picture,
    Progress,
    Request,
    Started,
)
from generation.worker import worker
from generation.worker.devices import Device
from generation.worker.tally import Tally

ROWS = 64  # eight requests for four pictures
STEP_S = 0.05  # a hundred steps leave time for something to happen meanwhile
VARIETY = 64  # pictures of a size, so that making them costs a benchmark next to nothing
TILES = 4  # steps of an enlargement

serve = worker.main


def main(
    commands: Connection,
    messages: Connection,
    catalog: Catalog,
    options: EngineOptions,
    configure_logs: Callable[[], None],
    device: Device,
) -> None:
    """Serve as the worker does."""
    engine, devices = (
        ModuleType("generation.engine.engine"),
        ModuleType("generation.engine.device"),
    )
    engine.Engine = StubEngine  # type: ignore[attr-defined]
    devices.describe = lambda device: device.type  # type: ignore[attr-defined]
    devices.pick_device = lambda _kind: StubEngine.device  # type: ignore[attr-defined]
    sys.modules.update({one.__name__: one for one in (engine, devices)})
    serve(commands, messages, catalog, options, configure_logs, device)


class StubEngine:
    """The engine's surface: every tick, a step of all that is aboard."""

    device = SimpleNamespace(type="nothing but paper")

    def __init__(
        self,
        catalog: Catalog,
        device: SimpleNamespace,  # noqa: ARG002 - there is none
        on_event: Callable[[int, Loading], None],  # noqa: ARG002 - there is nothing to load
        options: EngineOptions,
        alive: Callable[[], None],  # noqa: ARG002 - every tick is short
    ) -> None:
        self._catalog = catalog
        self._safety = options.safety
        self.rows = options.rows or ROWS
        self.tally = Tally(lambda: (0, 0))
        self.cache = SimpleNamespace(names=(catalog.default,))
        self._aboard: dict[int, tuple[Request, int]] = {}  # and the steps that are done
        self._looks: set[int] = set()  # at whose next steps a preview is drawn
        self._cancelled: list[tuple[int, Event]] = []

    @property
    def idle(self) -> bool:
        """Whether the next tick has nothing to do."""
        return not (self._aboard or self._cancelled)

    def warm_up(self) -> None:
        """Nothing to load."""

    def add(self, key: int, request: Request) -> None:
        """Take a request."""
        self._aboard[key] = request, 0
        self._looks.add(key)

    def cancel(self, key: int) -> None:
        """Drop a request."""
        if self._aboard.pop(key, None):
            self._cancelled.append((key, Failed(Cancelled("cancelled"))))

    def look(self, key: int) -> None:
        """Draw a preview of its next step."""
        self._looks.add(key)

    def step(self) -> list[tuple[int, Event]]:
        """Take a step of every request; return the events."""
        events, self._cancelled = self._cancelled, []
        time.sleep(STEP_S)
        if self._aboard:
            rows = sum(request.rows for request, _ in self._aboard.values())
            self.tally.add(STEP_S, rows, self.rows)
        for key, (request, done) in list(self._aboard.items()):
            events += [(key, event) for event in self._advance(key, request, done)]
            if isinstance(events[-1][1], Finished | Failed):
                del self._aboard[key]
            else:
                self._aboard[key] = request, done + 1
        return events

    def _advance(self, key: int, request: Request, done: int) -> list[Event]:
        if done == 0:
            try:
                if isinstance(request, GenerationRequest):
                    self._catalog[request.checkpoint]
            except GenerationError as error:
                return [Failed(error)]
            return [Started()]
        preview, steps = None, TILES
        if isinstance(request, GenerationRequest):
            steps = request.num_inference_steps
            preview = _kept(0, 64, 64, "WEBP") if key in self._looks else None
        self._looks.discard(key)
        events: list[Event] = [Progress(done, steps, preview)]
        if done >= steps:
            if isinstance(request, GenerationRequest):
                width, height = request.result_size
            else:
                width, height = request.factor * request.width, request.factor * request.height
            score = 0.0 if self._safety else None
            for index in range(request.num_images):
                seed = request.seed + index
                events.append(Picture(index, seed, _kept(seed % VARIETY, width, height), score))
            events.append(Finished(steps * STEP_S))
        return events


def picture(seed: int, width: int, height: int, kind: str = "PNG") -> bytes:
    """A few soft colours, a picture of its own for each seed."""
    colours = Image.frombytes("RGB", (4, 4), random.Random(seed).randbytes(48))  # noqa: S311
    file = io.BytesIO()
    colours.resize((width, height), Image.Resampling.BICUBIC).save(file, kind)
    return file.getvalue()


_kept = lru_cache(VARIETY * TILES)(picture)

"""A worker that draws a single colour: the storms test everything around the pictures."""

import io
import queue
import signal
import threading
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection

from PIL import Image

from generation.catalog import Catalog
from generation.options import EngineOptions
from generation.request import Event, Finished, Picture, Progress, Request, Started
from generation.worker.devices import Device
from generation.worker.messages import Add, Cancel, Command, ConfigureLogs, Ready, Report

ROWS = 8
STEP_S = 0.02


def main(
    commands: Connection,
    messages: Connection,
    catalog: Catalog,
    options: EngineOptions,  # noqa: ARG001 - there is no engine
    configure_logs: ConfigureLogs,
    device: Device,  # noqa: ARG001 - likewise
) -> None:
    """Serve as the real worker's `main` does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    configure_logs()
    inbox: queue.SimpleQueue[Command | None] = queue.SimpleQueue()
    threading.Thread(target=_hear, args=(commands, inbox), daemon=True).start()
    messages.send([Ready("stub", catalog.default, ROWS)])
    aboard: dict[int, Iterator[Event]] = {}
    while True:
        while not aboard or not inbox.empty():
            match inbox.get():
                case Add(key, request):
                    aboard[key] = _draw(request)
                case Cancel(key):
                    aboard.pop(key, None)
                case None:
                    return
        time.sleep(STEP_S)
        for key, events in list(aboard.items()):
            event = next(events, None)
            if event is None:
                del aboard[key]
                continue
            try:
                messages.send([Report(key, event)])
            except BrokenPipeError:
                return


def _hear(commands: Connection, inbox: "queue.SimpleQueue[Command | None]") -> None:
    try:
        while True:
            inbox.put(commands.recv())
    except (EOFError, OSError):
        inbox.put(None)


def _draw(request: Request) -> Iterator[Event]:
    steps = getattr(request, "num_inference_steps", 5)
    factor = getattr(request, "factor", 1)
    yield Started()
    for step in range(1, steps + 1):
        yield Progress(step, steps)
    for index in range(request.num_images):
        seed = request.seed + index
        colour = (seed % 256, seed // 256 % 256, seed // 65536 % 256)
        png = io.BytesIO()
        Image.new("RGB", (factor * request.width, factor * request.height), colour).save(png, "PNG")
        yield Picture(index, seed, png.getvalue(), 0.0)
    yield Finished(STEP_S * steps)

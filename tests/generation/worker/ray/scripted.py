"""A worker without torch, which hosts on test nodes start: it draws by the clock."""

import asyncio
import itertools
import os

from generation.catalog import Catalog
from generation.errors import Cancelled as RequestCancelled
from generation.options import EngineOptions
from generation.request import Failed, Finished, GenerationRequest, Picture, Progress, Started
from generation.worker.link import End
from generation.worker.messages import (
    Add,
    Alive,
    Cancel,
    Command,
    ConfigureLogs,
    Message,
    Offer,
    Ready,
    Report,
)

STEP_S = 0.1
LONG = 100  # steps, which are never done with
BREAKS, SAYS_ENVIRONMENT = "break", "environment"  # prompts


class ScriptedWorker:
    """A `WorkerLink`; the host's process is its own, so that killing one is killing both."""

    pid = None

    def __init__(self, catalog: Catalog) -> None:
        self._inbox: asyncio.Queue[list[Message] | None] = asyncio.Queue()
        self._drawing: dict[int, asyncio.Task[None]] = {}
        self._crashed = False
        self._default = catalog.default
        self._say(Ready(f"scripted {os.getpid()}", catalog.default, 4))
        self._ticks = asyncio.create_task(self._tick())

    def send(self, command: Command) -> None:
        match command:
            case Add(key, request):
                self._drawing[key] = asyncio.create_task(self._draw(key, request))
            case Cancel(key) if key in self._drawing:
                self._drawing.pop(key).cancel()
                self._say(Report(key, Failed(RequestCancelled("cancelled"))))
            case Offer(catalog):
                self._default = catalog.default

    async def receive(self) -> list[Message] | None:
        if (messages := await self._inbox.get()) is None:
            self._inbox.put_nowait(None)
        return messages

    def kill(self) -> None:
        self._crashed = True
        self._stop()

    async def end(self) -> End:
        self._stop()
        return End.CRASHED if self._crashed else End.DRAINED

    def _stop(self) -> None:
        self._ticks.cancel()
        for task in self._drawing.values():
            task.cancel()
        self._inbox.put_nowait(None)

    def _say(self, *messages: Message) -> None:
        self._inbox.put_nowait(list(messages))

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(1)
            self._say(Alive())

    async def _draw(self, key: int, request: GenerationRequest) -> None:
        self._say(Report(key, Started()))
        endless = request.num_inference_steps == LONG
        for step in itertools.count() if endless else range(request.num_inference_steps):
            await asyncio.sleep(STEP_S)
            self._say(Report(key, Progress(step + 1, request.num_inference_steps)))
            if request.prompt == BREAKS:
                self.kill()
                return
        png = f"picture of {request.seed}".encode()
        if request.prompt == SAYS_ENVIRONMENT:
            png = "\n".join(f"{name}={value}" for name, value in os.environ.items()).encode()
        del self._drawing[key]
        self._say(Report(key, Picture(0, request.seed, png)), Report(key, Finished(1.0)))


def start_scripted(
    catalog: Catalog, options: EngineOptions, configure_logs: ConfigureLogs
) -> ScriptedWorker:
    """Start one in this process."""
    return ScriptedWorker(catalog)

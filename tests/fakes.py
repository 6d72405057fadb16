"""A recording executor: real pictures of one colour, at the pace a test asks for."""

import asyncio
import io
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field

from PIL import Image

from generation.errors import GenerationError
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
    UpscaleRequest,
)
from generation.worker.link import LaneState

TILES = 3
Wait = Callable[[Awaitable[object]], Awaitable[object]]


def png(seed: int, width: int = 128, height: int = 128) -> bytes:
    """One colour a seed, so that two pictures are the same only if their seeds are."""
    buffer = io.BytesIO()
    colour = (seed % 256, seed // 256 % 256, seed // 65536 % 256)
    Image.new("RGB", (width, height), colour).save(buffer, "PNG")
    return buffer.getvalue()


async def _plainly(awaitable: Awaitable[object]) -> object:
    return await awaitable


@dataclass
class RecordingExecutor:
    """Draws at once; with `hold`, stops at every step until the test lets it go on.

    `capacity` is in rows: with 1, one request runs at a time. It becomes `ready_rows` when the
    first request runs, as when a worker becomes ready after the queue was restored. Every picture
    gets the score `nsfw`, or its own in `scores`.
    """

    hold: bool = False
    loads: bool = False
    cut: str = ""
    error: GenerationError | None = None
    nsfw: float | None = 0.0
    scores: dict[int, float] = field(default_factory=dict)
    preview: bytes = field(default_factory=lambda: png(0))
    capacity: int = 1
    ready_rows: int | None = None
    requests: list[Request] = field(default_factory=list)
    looks: list[Request] = field(default_factory=list)
    running: int = 0
    offered: int = 0
    errors: dict[str, GenerationError] = field(default_factory=dict)  # by checkpoint
    ended: list[str] = field(default_factory=list)
    wait: Wait = _plainly
    listeners: list[Callable[[], None]] = field(default_factory=list)
    _steps: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    def on_capacity(self, listener: Callable[[], None]) -> None:
        """Call a listener when the capacity has changed."""
        self.listeners.append(listener)

    def look(self, request: Request) -> None:
        """Note who asks for progress: here every step is reported."""
        self.looks.append(request)

    def lanes(self) -> list[LaneState]:
        """There is no worker."""
        return []

    async def start(self) -> None:
        """Nothing to start."""

    def offer(self) -> None:
        """Count how often the catalog changed."""
        self.offered += 1

    async def close(self) -> None:
        """Nothing to end."""

    def let_go(self, steps: int = 10_000) -> None:
        """Allow that many steps."""
        for _ in range(steps):
            self._steps.release()

    async def run(self, request: Request) -> AsyncGenerator[Event, None]:
        """Yield what a worker would."""
        self.requests.append(request)
        self.running += 1
        outcome = "cancelled"
        if self.ready_rows is not None:
            self.capacity, self.ready_rows = self.ready_rows, None
            for listener in self.listeners:
                listener()
        try:
            if self.loads and isinstance(request, GenerationRequest):
                yield Loading(request.checkpoint)
                if self.hold:
                    await self.wait(self._steps.acquire())
            yield Started(self.cut)
            tiles = isinstance(request, UpscaleRequest)
            steps = TILES if tiles else request.num_inference_steps
            for step in range(1, steps + 1):
                if self.hold:
                    await self.wait(self._steps.acquire())
                yield Progress(step, steps, self.preview if step == 1 and not tiles else None)
            error = self.error or self.errors.get(getattr(request, "checkpoint", ""))
            if error is not None:
                outcome = "failed"
                yield Failed(error, 0.5)
                return
            for index in range(request.num_images):
                seed = request.seed + index
                if isinstance(request, UpscaleRequest):
                    size = (request.factor * request.width, request.factor * request.height)
                else:
                    size = request.result_size
                drawn = png(seed, *size)
                yield Picture(index, seed, drawn, self.scores.get(index, self.nsfw))
            outcome = "finished"
            yield Finished(1.25)
        finally:
            self.running -= 1
            self.ended.append(outcome)

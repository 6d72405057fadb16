"""A sitting of a bot that draws: people ask at once, and see their pictures some time later."""

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import psutil

from playground import Interaction, Message, Playground

READY_S = 300.0
CHANNEL = "darkroom"
REST_S = 2.0  # after which nothing is left to do

WAITING = "OMP_WAIT_POLICY"

OURS = ("bot", "run")
PEER = ("benchmarks.peer.plain_bot",)


@dataclass(frozen=True, slots=True)
class Load:
    """How long people waited, each from their own question on (s)."""

    acks: list[float]
    first_progress: list[float]
    done: list[float]

    @property
    def ack(self) -> float:
        """Until the first answer, mean (s)."""
        return statistics.mean(self.acks)

    @property
    def first(self) -> float:
        """Until the first step was seen, mean (s)."""
        return statistics.mean(self.first_progress)

    @property
    def seconds(self) -> float:
        """Until everybody had their pictures (s)."""
        return max(self.done)


@dataclass(slots=True)
class _Asked:
    interaction: Interaction
    at: float
    message: Message | None = None
    progress: float | None = None
    done: float | None = None

    def look(self, now: float, count: int) -> bool:
        """Note what is to be seen now; return whether that is everything."""
        self.message = self.message or self.interaction.original
        if self.message is not None:
            pictures = [one for one in self.message.attachments if one.filename.endswith(".png")]
            if self.progress is None and ("step" in self.message.content or pictures):
                self.progress = now - self.at
            if len(pictures) == count:
                self.done = now - self.at
        return self.done is not None


class Sitting:
    """A running bot; ``command_s`` is how long after its start commands were there."""

    def __init__(self, playground: Playground, process: psutil.Process, command_s: float) -> None:
        self._playground = playground
        self._process = process
        self.command_s = command_s
        self._people = 0

    async def ask(self, people: int, count: int) -> Load:
        """Let people ask at once, each for that many pictures, and wait until all have theirs."""
        asked = []
        for _ in range(people):
            self._people += 1
            person = self._playground.join(f"person{self._people}")
            at = time.monotonic()
            question = self._playground.slash(
                person, CHANNEL, "imagine", prompt="a red apple", count=count
            )
            asked.append(_Asked(await question, at))
        await self._playground.wait_for(
            lambda: sum(one.look(time.monotonic(), count) for one in asked) == people,
            READY_S,
            "the pictures",
        )
        return Load(
            [one.interaction.took or READY_S for one in asked],
            [one.progress or READY_S for one in asked],
            [one.done or READY_S for one in asked],
        )

    async def rss_mb(self) -> float:
        """Return the memory of all its processes at rest (MB)."""
        await asyncio.sleep(REST_S)
        total = 0
        for process in (self._process, *self._process.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                total += process.memory_info().rss
        return total / 1e6


@asynccontextmanager
async def sitting(program: tuple[str, ...]) -> AsyncIterator[Sitting]:
    """Run a bot in a playground and a data folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        # Ours says itself how its threads wait; a plain bot leaves that as it is.
        environment = {name: value for name, value in os.environ.items() if name != WAITING}
        async with Playground() as playground:
            begun = time.monotonic()
            bot = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", *program),
                env={
                    **environment,
                    **playground.environment,
                    "STORE__FOLDER": folder,
                    "LOG__LEVEL": "WARNING",
                },
            )
            try:
                await playground.ready(READY_S)
                yield Sitting(playground, psutil.Process(bot.pid), time.monotonic() - begun)
            finally:
                bot.terminate()
                await bot.wait()

"""One sitting of a bot in a playground of its own: what it is asked, and what that takes."""

import asyncio
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import psutil

from playground import Interaction, Message, Playground, User

READY_S = 120.0
BURST_S = 1.0
LOST_S = 3.0  # when Discord gives an interaction up; lost ones count as this long
CHANNEL = "darkroom"
LIVES = 60
LONG_JOBS = 16  # eight at a time, each five seconds
LONG_STEPS = 100

OURS = ("benchmarks.discord.stub_bot", "run")
TRIVIAL = ("benchmarks.discord.trivial_bot",)

Ask = Callable[[User], Awaitable[Interaction]]


@dataclass(frozen=True, slots=True)
class Burst:
    """How long the answers to a burst of interactions took (s), and the bot's CPU meanwhile (s)."""

    took: list[float]
    lost: int
    cpu_s: float

    def p(self, percent: int) -> float:
        """Return a percentile (ms)."""
        return 1000 * statistics.quantiles(self.took, n=100)[percent - 1]

    @property
    def cpu_ms(self) -> float:
        """The bot's CPU for an interaction (ms)."""
        return 1000 * self.cpu_s / len(self.took)


@dataclass(frozen=True, slots=True)
class Lives:
    """How long whole jobs took altogether (s), and the bot's CPU meanwhile (s)."""

    count: int
    seconds: float
    cpu_s: float

    @property
    def per_s(self) -> float:
        """Jobs asked, answered, run and posted in a second."""
        return self.count / self.seconds

    @property
    def cpu_ms(self) -> float:
        """The bot's CPU for one of them (ms)."""
        return 1000 * self.cpu_s / self.count


class Sitting:
    """A running bot; ``message`` carries the buttons that are clicked."""

    def __init__(self, playground: Playground, process: psutil.Process, message: Message) -> None:
        self._playground = playground
        self._process = process
        self._message = message
        self._people = 0

    async def lives(self) -> Lives:
        """Ask for pictures, each for another person, and wait until all are posted."""
        begun, cpu_s = time.monotonic(), self._cpu_s()
        asked = [await self._imagine(steps=4, count=1) for _ in range(LIVES)]
        messages = [await one.response(READY_S) for one in asked]
        await self._playground.wait_for(
            lambda: all(_has(message, "Details") for message in messages), READY_S, "the pictures"
        )
        return Lives(LIVES, time.monotonic() - begun, self._cpu_s() - cpu_s)

    async def saturate(self) -> None:
        """Start jobs that outlast a burst, and wait until some of them run."""
        asked = [await self._imagine(steps=LONG_STEPS, count=4) for _ in range(LONG_JOBS)]
        messages = [await one.response(READY_S) for one in asked]
        await self._playground.wait_for(
            lambda: any("step" in message.content for message in messages), READY_S, "a long job"
        )

    async def burst(self, size: int) -> Burst:
        """Send that many interactions within `BURST_S`, each from another person."""
        asks = self._asks(size)
        people = [self._stranger() for _ in asks]
        loop = asyncio.get_running_loop()
        begun, cpu_s = loop.time(), self._cpu_s()
        asked = []
        for number, (ask, person) in enumerate(zip(asks, people, strict=True)):
            await asyncio.sleep(begun + number * BURST_S / size - loop.time())
            asked.append(await ask(person))
        await self._playground.wait_for(
            lambda: all(one.took is not None or one.unanswered for one in asked),
            10 * LOST_S,
            "the last answer",
        )
        cpu_s = self._cpu_s() - cpu_s
        took = [LOST_S if one.took is None else one.took for one in asked]
        return Burst(took, sum(one.took is None for one in asked), cpu_s)

    def _asks(self, size: int) -> list[Ask]:
        def slash(command: str, **options: str) -> Ask:
            return lambda person: self._playground.slash(person, CHANNEL, command, **options)

        def click(label: str) -> Ask:
            return lambda person: self._playground.click(person, self._message, label)

        kinds = (
            (slash("imagine", prompt="a red apple"), 0.4),
            (slash("queue"), 0.2),
            (slash("history"), 0.2),
            (click("Details"), 0.1),
            (click("Favourite"), 0.1),
        )
        asks = [ask for ask, share in kinds for _ in range(round(share * size))]
        random.Random(0).shuffle(asks)  # noqa: S311 - an order, no secret
        return asks

    async def _imagine(self, **options: int) -> Interaction:
        person = self._stranger()
        return await self._playground.slash(
            person, CHANNEL, "imagine", prompt="a red apple", **options
        )

    def _stranger(self) -> User:
        self._people += 1
        return self._playground.join(f"person{self._people}")

    def _cpu_s(self) -> float:
        """Return the CPU time of the bot's process alone, without its worker (s)."""
        spent = self._process.cpu_times()
        return float(spent.user + spent.system)


@asynccontextmanager
async def sitting(program: tuple[str, ...]) -> AsyncIterator[Sitting]:
    """Run a bot in a playground and a data folder of its own, until it has answered once."""
    with tempfile.TemporaryDirectory() as folder:
        async with Playground() as playground:
            bot = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", *program),
                env={
                    **os.environ,
                    **playground.environment,
                    "STORE__FOLDER": folder,
                    # Nobody must be refused: that is faster than recording a job.
                    "LIMITS__WAITING": "10000",
                    "LIMITS__WAITING_PER_SERVER": "10000",
                    "LOG__LEVEL": "WARNING",
                },
            )
            try:
                await playground.ready(READY_S)
                asked = await playground.slash("mia", CHANNEL, "imagine", prompt="an apple")
                message = await asked.response(READY_S)
                await playground.wait_for(lambda: _has(message, "Details"), READY_S, "buttons")
                yield Sitting(playground, psutil.Process(bot.pid), message)
            finally:
                bot.terminate()
                await bot.wait()


def _has(message: Message, label: str) -> bool:
    return any(button.label == label for button in message.buttons)

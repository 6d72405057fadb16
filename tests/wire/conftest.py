"""The real bot as its own process, against the playground's server."""

import asyncio
import contextlib
import os
import shutil
import signal
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import ClassVar

import psutil
import pytest

from bot.db.database import FILE_NAME
from bot.texts import say
from playground import Playground
from playground.messages.messages import Message
from tests.discord_spec.judge import Judge

QUICK, REAL = "benchmarks.discord.stub_bot", "bot"
PATIENCE_S = 180.0  # the machine may be busy; nothing here passes by being fast


class Process:
    """A bot process on one data folder; it can be started again after it ended.

    In tests that are marked ``real_worker`` everything is as people have it. In others the worker
    draws without torch, and an empty database is there already.
    """

    program: ClassVar[str] = REAL
    template: ClassVar[Path | None] = None
    cwd: Path | None = None  # this process's own
    settings: ClassVar[dict[str, str]] = {
        "GENERATION__ROWS": "8",  # instead of measuring how many pay
        "GENERATION__DRAIN_S": "0",
        "LIMITS__RUNNING_PER_PERSON": "1",  # so that a person's second job waits
    }

    def __init__(self, playground: Playground, folder: Path) -> None:
        self.playground = playground
        self.folder = folder
        self.log = folder / "bot.log"
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def start(self, **environment: str) -> None:
        await self.begin(**environment)
        assert self._process is not None
        ready = asyncio.create_task(self.playground.ready(PATIENCE_S))
        ended = asyncio.create_task(self._process.wait())
        await asyncio.wait((ready, ended), return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        if not ready.done():
            ready.cancel()
            raise AssertionError(self.log.read_text("utf-8")[-4000:])
        await ready

    async def begin(self, **environment: str) -> None:
        if self.template is not None and not any(self.folder.glob(f"{FILE_NAME}*")):
            shutil.copyfile(self.template / FILE_NAME, self.folder / FILE_NAME)
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                self.program,
                "run",
                env={
                    **os.environ,
                    **self.playground.environment,
                    "STORE__FOLDER": str(self.folder),
                    **self.settings,
                    **environment,
                },
                cwd=self.cwd,
                stderr=log,
            )

    async def ended(self) -> int:
        """Wait until it ends by itself."""
        assert self._process is not None
        return await asyncio.wait_for(self._process.wait(), PATIENCE_S)

    def lines(self, said: str) -> list[str]:
        """The lines of its log that say this."""
        return [line for line in self.log.read_text("utf-8").splitlines() if said in line]

    async def said(self, what: str, times: int = 1) -> list[str]:
        """Wait until its log says this so often."""
        deadline = time.monotonic() + PATIENCE_S
        while len(lines := self.lines(what)) < times:
            assert time.monotonic() < deadline, self.log.read_text("utf-8")[-4000:]
            await asyncio.sleep(0.05)
        return lines

    async def end(self, number: int = signal.SIGTERM) -> int:
        assert self._process is not None
        if self._process.returncode is None:
            self._process.send_signal(number)
        return await asyncio.wait_for(self._process.wait(), PATIENCE_S)

    async def signal(self, number: int) -> None:
        """Send a signal, unless it has ended, and let others go on."""
        assert self._process is not None
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)
        await asyncio.sleep(0)

    async def runs(self) -> bool:
        """Tell whether it has not ended."""
        assert self._process is not None
        await asyncio.sleep(0)
        return self._process.returncode is None

    async def restart(self) -> None:
        await self.start()

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.pid).children(recursive=True)

    def rows(self, columns: str) -> list[tuple[object, ...]]:
        connection = sqlite3.connect(f"file:{self.folder / FILE_NAME}?mode=ro", uri=True)
        try:
            return connection.execute(f"SELECT {columns} FROM jobs ORDER BY id").fetchall()
        finally:
            connection.close()

    async def until(
        self, columns: str, condition: Callable[..., bool], within: float = PATIENCE_S
    ) -> None:
        """Wait until a row's columns meet the condition, without a pause in which much happens."""
        deadline = time.monotonic() + within
        while not any(condition(*row) for row in self.rows(columns)):
            assert time.monotonic() < deadline, f"{columns}: {self.rows(columns)}"
            await asyncio.sleep(0.002)

    def posted(self) -> list[Message]:
        """The bot's public messages."""
        return [message for message in self.playground.messages("darkroom") if message.author.bot]

    async def finished(self, pictures: int, *, messages: int = 1) -> Message:
        """Wait for as many messages, the last with so many pictures and its row DONE."""

        def ended() -> bool:
            posted = self.posted()
            return (
                len(posted) >= messages
                and len(posted[-1].attachments) == pictures
                and (any(button.label == say("button-reroll") for button in posted[-1].buttons))
            )

        await self.playground.wait_for(ended, PATIENCE_S, "the pictures")
        await self.until(
            "(SELECT count(*) FROM jobs WHERE status = 'done')", lambda done: done >= messages
        )
        assert len(self.posted()) == messages
        return self.posted()[-1]


@pytest.fixture(autouse=True)
def _quick(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, migrated: Path) -> None:
    if request.node.get_closest_marker("real_worker") is None:
        monkeypatch.setattr(Process, "program", QUICK)
        monkeypatch.setattr(Process, "template", migrated)


@pytest.fixture
async def playground(request: pytest.FixtureRequest) -> AsyncIterator[Playground]:
    odd = request.node.get_closest_marker("odd_discord") is not None
    judge = Judge(expects_oddities=odd)
    async with Playground() as playground:
        playground.observers.append(judge)
        yield playground
        assert playground.unknown_routes == []
    judge.speak()


@pytest.fixture
async def bot(playground: Playground, tmp_path: Path) -> AsyncIterator[Process]:
    process = Process(playground, tmp_path)
    await process.start()
    yield process
    if await process.end() != 0:
        print(process.log.read_text("utf-8"))

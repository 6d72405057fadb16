"""The bot's process under a supervisor, as a service manager would run it."""

import asyncio
import os
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from benchmarks.storms.disk import Disk
from playground import Playground

PAUSE_S = 1.0  # before it is restarted
STOP_S = 20.0
WORKER = "--multiprocessing-fork"  # in the command line of spawned processes


class House:
    """Keeps one bot running on a data folder until the context exits."""

    def __init__(self, playground: Playground, folder: Path, disk: Disk) -> None:
        self.log = folder.with_suffix(".log")
        self._environment = {
            **os.environ,
            **playground.environment,
            **disk.environment,
            "STORE__FOLDER": str(folder),
            "LIMITS__RUNNING_PER_PERSON": "4",
            "PYTHONPATH": str(Path(__file__).parents[2]),
        }
        self._process: asyncio.subprocess.Process | None = None
        self._keeping: asyncio.Task[None] | None = None

    def kill(self) -> None:
        """Kill the bot, as a power cut does."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()

    def kill_worker(self) -> None:
        """Kill the worker."""
        if self._process is None or self._process.returncode is not None:
            return
        try:
            for child in psutil.Process(self._process.pid).children():
                if WORKER in child.cmdline():
                    child.kill()
        except psutil.NoSuchProcess:
            return

    async def __aenter__(self) -> Self:
        self._keeping = asyncio.create_task(self._keep())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._keeping is not None
        self._keeping.cancel()
        await asyncio.wait([self._keeping])
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            try:
                await asyncio.wait_for(self._process.wait(), STOP_S)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()

    async def _keep(self) -> None:
        while True:
            with self.log.open("ab") as log:
                self._process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "benchmarks.storms.bot", "run"),
                    env=self._environment,
                    stderr=log,
                )
            await self._process.wait()
            await asyncio.sleep(PAUSE_S)

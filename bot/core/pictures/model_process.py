"""A model beside those that draw, asked about one picture at a time in a separate process."""

import asyncio
import base64
import json
import logging
from abc import abstractmethod
from pathlib import Path
from typing import Any, ClassVar

from bot.core import program
from bot.core.errors import FileUnavailable
from bot.core.program import Process
from bot.texts import say

log = logging.getLogger(__name__)

WAITING = 5  # together with the one that is being answered
ANSWER_S = 120.0  # the first has to load torch and the model
REST_S = 300.0
TRIES = 2  # it may have ended, rested, just when it was asked
ANSWER_BYTES = 2 * 2**20


class ModelProcess:
    """A process as in `generation.vision.answering`, started when it is first asked.

    It ends by itself after ``rest_s`` without a question. ``module`` is its program.
    """

    module: ClassVar[str]

    def __init__(self, rest_s: float = REST_S, answer_s: float = ANSWER_S) -> None:
        self._rest_s, self._answer_s = rest_s, answer_s
        self._process: Process | None = None
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._closed = False

    @abstractmethod
    def trouble(self) -> str:
        """Return the line for a person where its model cannot be used."""

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.returncode is None

    async def ask(self, folder: Path, png: bytes, **more: Any) -> dict[str, Any]:  # noqa: ANN401
        """Return what the model in a folder says of a picture.

        Raises FileUnavailable if too many wait, or the model cannot be used, which is logged.
        """
        if self._waiting >= WAITING:
            raise FileUnavailable(say("error-files-busy"))
        self._waiting += 1
        try:
            async with self._turn:
                return await self._ask(folder, png, more)
        finally:
            self._waiting -= 1

    def unusable(self, folder: Path, problem: str) -> FileUnavailable:
        """Return the error for a model that cannot be used; the log has the ``problem``."""
        log.warning("%s cannot be used: %s", folder, problem)
        return FileUnavailable(self.trouble())

    async def close(self) -> None:
        """End the process, for good; what it was asked is lost."""
        self._closed = True
        if self._process is not None and self.running:
            self._process.kill()
        async with self._turn:
            await self._end()

    async def _ask(self, folder: Path, png: bytes, more: dict[str, Any]) -> dict[str, Any]:
        question = {
            **more,
            "folder": str(folder),
            "picture": base64.b64encode(png).decode(),
            "rest_s": self._rest_s,
        }
        problem = ""
        for _ in range(TRIES):
            if self._closed:
                problem = "it is closed"
                break
            had = self.running
            try:
                async with asyncio.timeout(self._answer_s):
                    said = await self._exchange(json.dumps(question).encode() + b"\n")
            except (TimeoutError, OSError, ValueError, EOFError) as error:
                problem = repr(error)
                if isinstance(error, TimeoutError):  # it would take as long again
                    break
            else:
                if "problem" not in said:
                    return said
                problem = str(said["problem"])
                break
            if not had:
                break
        raise self.unusable(folder, problem)

    async def _exchange(self, question: bytes) -> dict[str, Any]:
        whole = False
        try:
            if not self.running:
                await self._end()
                self._process = await program.start(self.module, limit=ANSWER_BYTES)
            process = self._process
            assert process is not None  # noqa: S101 - it was started
            assert process.stdin is not None  # noqa: S101 - both are pipes
            assert process.stdout is not None  # noqa: S101
            process.stdin.write(question)
            await process.stdin.drain()
            line = await process.stdout.readline()
            if not line:
                raise EOFError  # it ended
            said: dict[str, Any] = json.loads(line)
            whole = True
            return said
        finally:
            # After any error its next answer could be to this question.
            if not whole:
                await self._end()

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            await program.end(process)

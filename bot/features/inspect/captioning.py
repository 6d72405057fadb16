"""Captions for pictures, written one at a time in a separate process."""

import asyncio
import base64
import json
import logging
from pathlib import Path

from bot.core import program
from bot.core.errors import FileUnavailable
from bot.core.program import Process
from bot.texts import say

log = logging.getLogger(__name__)

PROGRAM = "generation.captions.describing"
CAPTIONS = 4
WAITING = 5  # together with the one that is being described
ANSWER_S = 120.0  # the first has to load torch and the model
REST_S = 300.0
TRIES = 2  # it may have ended, rested, just when it was asked


class Captioning:
    """A process that describes pictures, started when it is first asked.

    It ends by itself after ``rest_s`` without a question.
    """

    def __init__(self, rest_s: float = REST_S, answer_s: float = ANSWER_S) -> None:
        self._rest_s, self._answer_s = rest_s, answer_s
        self._process: Process | None = None
        self._turn = asyncio.Lock()
        self._waiting = 0

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.returncode is None

    async def describe(self, folder: Path, png: bytes) -> list[str]:
        """Return up to CAPTIONS different captions by the model in a folder.

        Raises FileUnavailable if too many wait, or the model cannot be used, which is logged.
        """
        if self._waiting >= WAITING:
            raise FileUnavailable(say("error-files-busy"))
        self._waiting += 1
        try:
            async with self._turn:
                return await self._ask(folder, png)
        finally:
            self._waiting -= 1

    async def close(self) -> None:
        """End the process; what it was describing is lost."""
        process, self._process = self._process, None
        if process is not None:
            await program.end(process)

    async def _ask(self, folder: Path, png: bytes) -> list[str]:
        question = {
            "folder": str(folder),
            "picture": base64.b64encode(png).decode(),
            "count": CAPTIONS,
            "rest_s": self._rest_s,
        }
        problem = ""
        for _ in range(TRIES):
            had = self.running
            try:
                async with asyncio.timeout(self._answer_s):
                    said = await self._exchange(json.dumps(question).encode() + b"\n")
            except (TimeoutError, OSError, ValueError, EOFError) as error:
                problem = repr(error)
                if isinstance(error, TimeoutError):  # it would take as long again
                    break
            else:
                if "captions" in said:
                    return [str(one) for one in said["captions"]]
                problem = str(said["problem"])
                break
            if not had:
                break
        log.warning("%s describes no picture: %s", folder, problem)
        raise FileUnavailable(say("error-captioner"))

    async def _exchange(self, question: bytes) -> dict[str, list[str] | str]:
        whole = False
        try:
            if not self.running:
                await self.close()
                self._process = await program.start(PROGRAM)
            process = self._process
            assert process is not None  # noqa: S101 - it was started
            assert process.stdin is not None  # noqa: S101 - both are pipes
            assert process.stdout is not None  # noqa: S101
            process.stdin.write(question)
            await process.stdin.drain()
            line = await process.stdout.readline()
            if not line:
                raise EOFError  # it ended
            said: dict[str, list[str] | str] = json.loads(line)
            whole = True
            return said
        finally:
            # After any error its next answer could be to this question.
            if not whole:
                await self.close()

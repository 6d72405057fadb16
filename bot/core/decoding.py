"""People's files, decoded two at a time in separate processes, with bounded memory and time."""

import asyncio
import json
import logging
from collections.abc import Sequence
from typing import Any

from bot.core import program
from bot.core.errors import FileUnavailable
from bot.core.program import Process
from bot.texts import say
from generation.decoding import refusal, request
from generation.editing.framing import Framing
from generation.errors import InvalidRequest
from generation.metadata.infotext import Parameters

log = logging.getLogger(__name__)

AT_ONCE = 2
WAIT_S = 1.5  # for earlier files; the first reply is due 3 s after the command
DECODE_S = 10.0
PROGRAM = "generation.decoding"


class Decoder:
    """Decoder processes, started on demand and kept until `close`.

    Each method works like its namesake in `generation.source_image`, `generation.metadata.png` or
    `generation.editing`,
    and raises FileUnavailable if too many files are waiting.
    """

    def __init__(self) -> None:
        self._free: asyncio.LifoQueue[Process | None] = asyncio.LifoQueue()
        for _ in range(AT_ONCE):
            self._free.put_nowait(None)
        self._running: set[Process] = set()

    async def prepare(self, data: bytes, width: int, height: int) -> tuple[bytes, bool]:
        """Return a person's file as a PNG of this size, and whether it was transparent."""
        (clear,), png = await self._ask("prepare", (width, height), data)
        return png, bool(clear)

    async def whole(self, data: bytes) -> tuple[bytes, int, int]:
        """Return a person's file as a PNG of its own size, with that size."""
        (width, height), png = await self._ask("whole", (), data)
        return png, width, height

    async def fit(self, png: bytes, width: int, height: int) -> bytes:
        """Return one of the bot's own pictures in another size."""
        return (await self._ask("fit", (width, height), png))[1]

    async def check(self, data: bytes) -> tuple[int, int]:
        """Check a person's file by its header; return its width and height."""
        (width, height), _ = await self._ask("check", (), data)
        return width, height

    async def mask(self, data: bytes, width: int, height: int) -> tuple[bytes, tuple[int, int]]:
        """Return a person's mask in this size, and the size that it had."""
        (own_width, own_height), png = await self._ask("mask", (width, height), data)
        return png, (own_width, own_height)

    async def erased(self, data: bytes, width: int, height: int) -> bytes | None:
        """Return the mask of a picture's transparent parts in this size; None if it has none."""
        return (await self._ask("erased", (width, height), data))[1] or None

    async def lay(
        self, png: bytes, width: int, height: int, family: str, framing: Framing
    ) -> tuple[bytes, bytes]:
        """Return the canvas of one of the bot's own pictures in this size, and its mask."""
        numbers = (width, height, family, framing.zoom, *framing.sides)
        (length,), both = await self._ask("lay", numbers, png)
        return both[:length], both[length:]

    async def read(self, data: bytes) -> Parameters | None:
        """Return the generation metadata in a person's file."""
        _, said = await self._ask("read", (), data)
        return Parameters(**json.loads(said)) if said else None

    async def close(self) -> None:
        """End the processes; files being decoded are lost."""
        for process in list(self._running):
            await self._end(process)

    async def _ask(
        self, work: str, numbers: Sequence[int | float | str | None], data: bytes
    ) -> tuple[Sequence[int], bytes]:
        try:
            async with asyncio.timeout(WAIT_S):
                process = await self._free.get()
        except TimeoutError as error:
            raise FileUnavailable(say("error-files-busy")) from error
        whole = False
        try:
            async with asyncio.timeout(DECODE_S):
                if process is None or process.returncode is not None:
                    process = await self._start()
                answer = await _exchange(process, request(work, numbers, data))
            whole = True
        except (TimeoutError, OSError, ValueError, EOFError) as error:
            log.warning("a file could not be decoded: %r", error)
            raise InvalidRequest("image", say("bound-decodable")) from error
        finally:
            # After any other error, the process's next reply could not be trusted.
            if not whole and process is not None:
                await self._end(process)
                process = None
            self._free.put_nowait(process)
        head, content = answer
        if refused := refusal(head):
            raise refused
        return head["numbers"], content

    async def _start(self) -> Process:
        process = await program.start(PROGRAM)
        self._running.add(process)
        return process

    async def _end(self, process: Process) -> None:
        self._running.discard(process)
        await program.end(process)


async def _exchange(process: Process, context: bytes) -> tuple[dict[str, Any], bytes]:
    assert process.stdin is not None  # noqa: S101 - both are pipes
    assert process.stdout is not None  # noqa: S101
    process.stdin.write(context)
    await process.stdin.drain()
    head = json.loads(await process.stdout.readline())
    return head, await process.stdout.readexactly(head["size"])

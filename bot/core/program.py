"""Child processes running our own modules, controlled through pipes."""

import asyncio
import contextlib
import os
import sys

Process = asyncio.subprocess.Process


LINE_BYTES = 2**16


async def start(
    module: str, *, stderr: int = asyncio.subprocess.DEVNULL, limit: int = LINE_BYTES
) -> Process:
    """Start a module; its environment lacks our DISCORD__ settings, such as the token.

    Lines that it writes have at most ``limit`` bytes.
    """
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=stderr,
        limit=limit,
        env={key: value for key, value in os.environ.items() if not _is_ours(key)},
    )


async def end(process: Process) -> None:
    """Kill a process, whatever it is doing, and wait until it has exited."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    await process.communicate()


def _is_ours(variable: str) -> bool:
    return variable.upper().startswith("DISCORD__")

"""Programs of ours in processes of their own, asked through their pipes."""

import asyncio
import contextlib
import os
import sys

Process = asyncio.subprocess.Process


async def start(module: str, *, stderr: int = asyncio.subprocess.DEVNULL) -> Process:
    """Start a module; of the environment it gets nothing that says who we are."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=stderr,
        env={key: value for key, value in os.environ.items() if not _is_ours(key)},
    )


async def end(process: Process) -> None:
    """End a process, whatever it is at, and wait until it has ended."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    await process.communicate()


def _is_ours(variable: str) -> bool:
    return variable.upper().startswith("DISCORD__")

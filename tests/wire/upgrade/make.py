"""Makes ``past.tar.xz`` anew, from the last release's sources: python -m tests.wire.upgrade.make.

The archive holds what the release left behind when it was killed: the data folder, what the
playground remembers, and notes of what the release said.
"""

import asyncio
import io
import subprocess
import tarfile
import tempfile
from pathlib import Path

from playground import Playground
from tests.wire.upgrade import memory
from tests.wire.upgrade.story import NOTES, LastRelease, live

ROOT = Path(__file__).parents[3]
KEPT = Path(__file__).parent / "past.tar.xz"
# The last commit before a job kept its request as JSON, and before buttons became classes.
RELEASE = "f16bec0"
PARTS = ("bot", "generation", "migrations")


def has_sources() -> bool:
    """Tell whether this is a repository that has the last release."""
    command = ["git", "-C", str(ROOT), "cat-file", "-e", f"{RELEASE}^{{commit}}"]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:  # no git
        return False


def take_sources(folder: Path) -> None:
    """Put the last release's sources into a folder."""
    command = ["git", "-C", str(ROOT), "archive", RELEASE, *PARTS]
    packed = subprocess.run(command, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")


async def leave_behind(past: Path, sources: Path) -> None:
    """Fill an empty folder with what the last release leaves behind."""
    (past / "data").mkdir()
    (past / "memory").mkdir()
    async with Playground() as playground:
        bot = LastRelease(playground, past / "data", sources)
        try:
            await live(playground, bot, past / NOTES)
        finally:
            await bot.end()
        memory.dump(playground, past / "memory")


def main() -> None:
    """Make it."""
    with tempfile.TemporaryDirectory() as folder:
        past, sources = Path(folder, "past"), Path(folder, "sources")
        past.mkdir()
        take_sources(sources)
        asyncio.run(leave_behind(past, sources))
        with tarfile.open(KEPT, "w:xz") as archive:
            archive.add(past, ".", filter=_nobodys)


def _nobodys(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    if member.name.endswith((".log", "-shm")):
        return None
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


if __name__ == "__main__":
    main()

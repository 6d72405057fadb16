"""A second process of the same bot, or on the same folder, on one machine."""

import asyncio
import signal
import sys
import tempfile
from pathlib import Path

import pytest

from bot.operating.one_bot import BotInUse, locked, the_only
from playground import Playground
from tests.wire.conftest import PATIENCE_S, Process


async def refused(playground: Playground, folder: Path) -> str:
    """Start another one, and return the line with which it ends."""
    folder.mkdir(exist_ok=True)
    second = Process(playground, folder)
    log = second.log = folder / "second.log"
    await second.begin()
    assert await second.ended() == 1
    (line,) = [one for one in log.read_text().splitlines() if one.startswith("darkroom: ")]
    assert playground.token not in log.read_text()
    return line


async def test_a_second_process_on_a_folder_or_of_a_bot_is_refused(
    playground: Playground, bot: Process, tmp_path: Path
):
    process = f", process {bot.pid}" if sys.platform == "linux" else ""
    assert await refused(playground, bot.folder) == (
        f"darkroom: {bot.folder} is in use by another Darkroom, process {bot.pid};"
        " stop that one first"
    )
    for number in range(2):
        assert await refused(playground, tmp_path / f"other-{number}") == (
            f"darkroom: DISCORD__TOKEN: another Darkroom on this machine{process}, uses it;"
            " stop that one first"
        )
    assert playground.gateway.identifies == 1
    await bot.end(signal.SIGKILL)
    third = Process(playground, tmp_path / "other-0")
    await third.start()
    assert await third.end() == 0


async def test_another_token_or_another_discord_is_another_bot():
    with the_only("a", "https://discord.com"), the_only("b", "https://discord.com"):
        with the_only("a", "http://127.0.0.1:5"):
            pass
        with pytest.raises(BotInUse), the_only("a", "https://discord.com"):
            pass
    with the_only("a", "https://discord.com"):
        pass


HOLD = """
import sys
from bot.operating.one_bot import locked
with locked("darkroom-test"):
    print("held", flush=True)
    sys.stdin.read()
"""


async def test_where_there_are_no_such_sockets_a_locked_file_does_it(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    holder = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        HOLD,
        env={"TMPDIR": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[3])},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert holder.stdout is not None
    assert await asyncio.wait_for(holder.stdout.readline(), PATIENCE_S) == b"held\n"
    with (
        pytest.raises(BotInUse, match="another Darkroom on this machine uses it"),
        locked("darkroom-test"),
    ):
        pass
    holder.kill()
    await holder.wait()
    with locked("darkroom-test"):
        pass

"""The bot on a disk that has bad hours: what was accepted is posted once, when they are over."""

import asyncio
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from benchmarks.storms.disk import BROKEN, FULL, READ_ONLY, Disk, NoCompiler
from bot.db.database import FILE_NAME
from bot.texts import say
from playground import Playground
from playground.messages.messages import Message
from tests.bot.db.test_patience import fill, hold
from tests.wire.conftest import PATIENCE_S, Process

LOCKED_S = 10.0


@pytest.fixture
async def disk(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Disk:
    try:
        return await asyncio.to_thread(Disk, tmp_path, tmp_path_factory.mktemp("workshop"))
    except NoCompiler as error:
        pytest.skip(str(error))


@pytest.fixture
async def fragile(playground: Playground, tmp_path: Path, disk: Disk) -> AsyncIterator[Process]:
    """A bot on that disk."""
    process = Process(playground, tmp_path)
    await process.start(**disk.environment)
    yield process
    disk.heal()
    if await process.end() != 0:
        print(process.log.read_text("utf-8"))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 6 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(folder)]
    if (
        not shutil.which("mount")
        or subprocess.run(mount, capture_output=True, check=False).returncode
    ):
        pytest.skip("nobody lets us mount a tmpfs here")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


async def ask(playground: Playground, steps: int = 30) -> None:
    await playground.slash("mia", "darkroom", "imagine", prompt="a red apple", count=2, steps=steps)


async def stepped(playground: Playground, bot: Process) -> None:
    def shows() -> bool:
        return any(re.search(r"step [1-9]", message.content) for message in bot.posted())

    await playground.wait_for(shows, PATIENCE_S, "a step")


async def draws(playground: Playground, bot: Process, starts: int) -> None:
    """Wait until so many workers have started; that alone may take a busy machine a minute."""

    def ready() -> bool:
        return bot.log.read_text("utf-8").count("the worker draws on") >= starts

    await playground.wait_for(ready, PATIENCE_S, "the worker")


async def says(playground: Playground, bot: Process, words: str) -> Message:
    def said() -> bool:
        return bool(bot.posted()) and words in bot.posted()[-1].content

    await playground.wait_for(said, PATIENCE_S, words)
    return bot.posted()[-1]


async def test_a_lock_at_the_end_of_a_job_is_outlasted(playground: Playground, bot: Process):
    await ask(playground)
    await stepped(playground, bot)
    with await asyncio.to_thread(hold, bot.folder / FILE_NAME, LOCKED_S) as holder:
        refused = await playground.slash("morgan", "darkroom", "imagine", prompt="a pear")
        answer = await refused.response(within=PATIENCE_S)
        assert (answer.ephemeral, answer.content) == (True, say("error-store-busy"))
        assert await asyncio.to_thread(holder.wait) == 0
    await bot.finished(2)
    assert bot.rows("status, error") == [("done", None)]


@pytest.mark.parametrize("number", [FULL, BROKEN, READ_ONLY])
async def test_a_disk_that_takes_nothing_is_outlasted(
    playground: Playground, fragile: Process, disk: Disk, number: int
):
    await ask(playground)
    await stepped(playground, fragile)
    disk.refuse(number)
    await says(playground, fragile, "Your pictures are drawn; waiting for the disk")
    refused = await playground.slash("morgan", "darkroom", "imagine", prompt="a pear")
    answer = await refused.response(within=PATIENCE_S)
    assert (answer.ephemeral, "Please tell the server's owner" in answer.content) == (True, True)
    disk.heal()
    await fragile.finished(2)
    assert fragile.rows("status, error") == [("done", None)]
    parts = list(fragile.folder.glob("pictures/*/*.part"))
    assert parts == []


async def test_a_small_disk_that_is_full_is_outlasted(playground: Playground, small_disk: Path):
    bot = Process(playground, small_disk)
    await bot.start()
    try:
        await ask(playground)
        await stepped(playground, bot)
        ballast = fill(small_disk)
        await says(playground, bot, "Your pictures are drawn; waiting for the disk")
        ballast.unlink()
        await bot.finished(2)
        assert bot.rows("status, error") == [("done", None)]
    finally:
        assert await bot.end() == 0


async def test_a_disk_that_takes_a_second_to_sync_costs_only_time(
    playground: Playground, fragile: Process, disk: Disk
):
    for _ in range(2):
        await ask(playground)
    await stepped(playground, fragile)
    await fragile.until("count(message_id)", lambda known: known == 2)
    disk.dawdle(1.0)
    await fragile.finished(2, messages=2)
    assert fragile.rows("status, error") == [("done", None)] * 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_an_end_while_it_waits_and_the_next_start_goes_on(
    playground: Playground, fragile: Process, disk: Disk, number: int
):
    await ask(playground)
    await stepped(playground, fragile)
    disk.refuse(FULL)
    await says(playground, fragile, "Your pictures are drawn; waiting for the disk")
    began = time.monotonic()
    status = await fragile.end(number)
    if number == signal.SIGTERM:
        assert status == 0
        assert time.monotonic() - began < 15, "before a service manager loses patience"
        assert "Traceback" not in fragile.log.read_text("utf-8")
    disk.heal()
    await fragile.start(**disk.environment)
    await fragile.finished(2)
    assert fragile.rows("status, error") == [("done", None)]


async def test_a_cancel_works_while_it_waits(playground: Playground, fragile: Process, disk: Disk):
    await ask(playground)
    await stepped(playground, fragile)
    disk.refuse(FULL)
    message = await says(playground, fragile, "Your pictures are drawn; waiting for the disk")
    await playground.click("mia", message, say("button-cancel"))
    await says(playground, fragile, say("job-cancelled"))
    disk.heal()
    await fragile.until("status", lambda status: status == "cancelled")
    assert message.attachments == []


async def test_a_start_waits_for_who_holds_the_database(playground: Playground, bot: Process):
    await ask(playground, steps=60)
    await stepped(playground, bot)
    await bot.end(signal.SIGKILL)
    with await asyncio.to_thread(hold, bot.folder / FILE_NAME, LOCKED_S):
        starting = asyncio.create_task(bot.restart())
        await asyncio.sleep(LOCKED_S / 2)
        assert bot._process is not None
        assert bot._process.returncode is None
    await starting
    await draws(playground, bot, 2)
    await bot.finished(2)


def darkroom(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot", *arguments],
        env={
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[3]),
            "STORE__FOLDER": str(folder),
            "DISCORD__TOKEN": "x",
        },
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


async def test_one_process_a_data_folder(
    playground: Playground, bot: Process, tmp_path_factory: pytest.TempPathFactory
):
    await ask(playground, steps=2)
    await bot.finished(2)
    backup = str(tmp_path_factory.mktemp("elsewhere") / "backup")
    assert (await asyncio.to_thread(darkroom, bot.folder, "backup", backup)).returncode == 0
    line = f"darkroom: {bot.folder} is in use by another Darkroom, process {bot.pid}; "
    for arguments in (["run"], ["migrate"], ["restore", backup]):
        second = await asyncio.to_thread(darkroom, bot.folder, *arguments)
        assert second.returncode == 1
        (said,) = second.stderr.splitlines()
        assert said.startswith(line)
    assert (await asyncio.to_thread(darkroom, bot.folder, "doctor")).returncode == 1  # its token
    # A crash releases it, and the worker, which lives on for a moment, does not hold it.
    await bot.end(signal.SIGKILL)
    assert (await asyncio.to_thread(darkroom, bot.folder, "migrate")).returncode == 0


async def test_what_is_put_back_goes_on(
    playground: Playground, bot: Process, tmp_path_factory: pytest.TempPathFactory
):
    """Made in the middle of a job, put back after everything was lost."""
    await ask(playground, steps=60)
    await stepped(playground, bot)
    backup = str(tmp_path_factory.mktemp("elsewhere") / "backup")
    made = await asyncio.to_thread(darkroom, bot.folder, "backup", backup)
    assert made.returncode == 0
    assert re.fullmatch(rf"{backup}: \d+ files, [\d.]+ MiB\n", made.stdout)
    await bot.end(signal.SIGKILL)
    for lost in (FILE_NAME, f"{FILE_NAME}-shm"):  # and the log lies there still
        (bot.folder / lost).unlink()
    put_back = await asyncio.to_thread(darkroom, bot.folder, "restore", backup)
    assert put_back.returncode == 0, put_back.stderr
    assert "remove it when all is well" in put_back.stdout
    await bot.restart()
    await draws(playground, bot, 2)
    await bot.finished(2)
    with sqlite3.connect(bot.folder / FILE_NAME) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()

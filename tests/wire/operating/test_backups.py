"""`darkroom backup` and `restore` as an owner runs them, beside a bot that draws and deletes."""

import asyncio
import hashlib
import os
import shutil
import signal
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from bot.db.backups.manifest import MANIFEST, UNFINISHED
from bot.db.database import FILE_NAME, Database
from bot.db.examination import examine
from bot.texts import say
from playground import Playground
from tests.bot.db.backups.house import fill
from tests.wire.conftest import PATIENCE_S, Process
from tests.wire.test_doctor import doctor

ROOT = Path(__file__).parents[3]


async def begin(folder: Path, *command: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", *command),
        env={**os.environ, "PYTHONPATH": str(ROOT), "STORE__FOLDER": str(folder)},
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def darkroom(folder: Path, *command: str) -> tuple[int, str, str]:
    """Run a command on a data folder; return its status, output and errors."""
    process = await begin(folder, *command)
    out, err = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    assert process.returncode is not None
    assert b"Traceback" not in err
    return process.returncode, out.decode(), err.decode()


async def test_a_backup_beside_a_bot_that_draws_and_deletes_is_restored(
    playground: Playground, tmp_path: Path
):
    data = tmp_path / "data"
    data.mkdir()
    bot = Process(playground, data)
    await bot.start(DISCORD__TIMEOUT_S="600")
    for number in (1, 2):
        await playground.slash("mia", "darkroom", "imagine", prompt="a pear", count=2, steps=1)
        await bot.finished(2, messages=number)
    # One more is not done before its answer is let go, and one is deleted during the backup.
    held = playground.faults.hold_answer("PATCH", "/messages/", min_files=1)
    await playground.slash("morgan", "darkroom", "imagine", prompt="a fox", count=1, steps=1)
    await asyncio.wait_for(held.happened.wait(), PATIENCE_S)
    copying = asyncio.create_task(darkroom(data, "backup", str(tmp_path / "backup")))
    await playground.click("mia", bot.posted()[0], say("button-delete"))
    status, out, err = await copying
    assert (status, err) == (0, "")
    assert " files, " in out
    held.released.set()
    ended = "(SELECT count(*) FROM jobs WHERE status = 'done')"
    await bot.until(ended, lambda done: done == 3)
    assert await bot.end() == 0
    before = {message.id: len(message.attachments) for message in bot.posted()}

    # The disk is lost; a restored copy starts where the backup was made.
    restored = tmp_path / "restored"
    restored.mkdir()
    status, out, err = await darkroom(restored, "restore", str(tmp_path / "backup"))
    assert (status, err) == (0, "")
    state = await examine(restored)
    assert state is not None
    assert (state.jobs, state.open_jobs, state.missing) == (3, 1, 0)
    assert state.sampled in (3, 5), "with those of the deleted one, or without"
    _, lines = await doctor(playground, restored, STORE__FOLDER=str(restored))
    assert any(line.startswith("ok ") and "3 jobs, 1 open, whole" in line for line in lines)
    assert not [line for line in lines if line.startswith(("!!  database", "!!  pictures"))]

    again = Process(playground, restored)
    await again.start()
    await again.until(ended, lambda done: done == 3)
    after = {message.id: len(message.attachments) for message in bot.posted()}
    assert after == before, "what was posted already is edited to the same"
    assert playground.log.matching("POST", r"/channels/\d+/messages$") == []
    assert await again.end() == 0


@pytest.fixture
async def folder(tmp_path: Path, migrated: Path) -> Path:
    """A data folder with a job and its picture."""
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copyfile(migrated / FILE_NAME, folder / FILE_NAME)
    database = Database(folder)
    await fill(database, folder, count=1)
    await database.close()
    return folder


async def test_doctor_examines_a_backup(folder: Path, tmp_path: Path):
    target = tmp_path / "backup"
    assert (await darkroom(folder, "backup", str(target)))[0] == 0
    status, out, _ = await darkroom(folder, "doctor", str(target))
    assert status == 0
    lines = out.splitlines()
    assert [line[:3] for line in lines] == ["ok "] * 3
    assert "1 jobs, 1 open, whole" in lines[1]
    picture = next(target.glob("pictures/*/*"))
    picture.write_bytes(picture.read_bytes()[:-1])
    status, out, _ = await darkroom(folder, "doctor", str(target))
    assert status == 1
    name = picture.relative_to(target).as_posix()
    assert out == f"!!  backup       {target}: {name} is damaged\n"

    # And what is refused is one line.
    data = tmp_path / "elsewhere"
    data.mkdir()
    status, out, err = await darkroom(data, "restore", str(target))
    assert (status, out) == (1, "")
    assert err.count("\n") == 1
    assert err.startswith("darkroom: ")
    assert not (data / FILE_NAME).exists()
    status, _, err = await darkroom(folder, "backup", str(target))
    assert status == 1
    assert "is there already" in err


def many(folder: Path, count: int) -> None:
    """Let a database have so many files to copy; each row names its own."""
    with closing(sqlite3.connect(folder / FILE_NAME)) as connection, connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(pictures)")]
        for number in range(count):
            content = f"picture {number}".encode() * 1000
            sha256 = hashlib.sha256(content).hexdigest()
            path = folder / "pictures" / sha256[:2] / f"{sha256}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            changed = {"sha256": f"'{sha256}'", '"index"': str(number + 10), "size_bytes": "0"}
            names = [f'"{name}"' if name == "index" else name for name in columns]
            values = ", ".join(changed.get(name, name) for name in names)
            connection.execute(
                f"INSERT INTO pictures ({', '.join(names)}) SELECT {values} FROM pictures LIMIT 1"
            )


async def test_a_backup_and_a_restore_that_are_stopped_leave_nothing(folder: Path, tmp_path: Path):
    await asyncio.to_thread(many, folder, 3000)
    target = tmp_path / "backup"

    async def at_work(process: asyncio.subprocess.Process, copied_to: Path) -> None:
        """Wait until it has copied something."""
        while not any(copied_to.rglob("*.png")):
            assert process.returncode is None
            await asyncio.sleep(0.01)

    for number in (signal.SIGTERM, signal.SIGINT):
        process = await begin(folder, "backup", str(target))
        await asyncio.wait_for(at_work(process, target), PATIENCE_S)
        process.send_signal(number)
        _, err = await asyncio.wait_for(process.communicate(), PATIENCE_S)
        assert err.decode() == "darkroom: stopped; nothing was left behind\n"
        assert process.returncode == 130
        assert not target.exists()

    process = await begin(folder, "backup", str(target))
    await asyncio.wait_for(at_work(process, target), PATIENCE_S)
    process.kill()
    await process.communicate()
    assert (target / UNFINISHED).exists()
    assert not (target / MANIFEST).exists()
    data = tmp_path / "elsewhere"
    data.mkdir()
    status, _, err = await darkroom(data, "restore", str(target))
    assert (status, err) == (
        1,
        f"darkroom: {target} is no whole backup: it was interrupted\n",
    )
    assert (await darkroom(folder, "backup", str(target)))[0] == 0

    process = await begin(data, "restore", str(target))
    await asyncio.wait_for(at_work(process, data), PATIENCE_S)
    process.send_signal(signal.SIGTERM)
    _, err = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    assert err.decode() == "darkroom: stopped; nothing was changed\n"
    assert [one.name for one in data.iterdir() if one.name != "darkroom.lock"] == []
    assert (await darkroom(data, "restore", str(target)))[0] == 0
    assert len(list(data.glob("pictures/*/*"))) == 3001


async def test_a_disk_that_is_full_is_one_line(folder: Path, tmp_path: Path):
    """Where nothing can be made durable any more, as on a full disk."""
    script = (
        "import os, sys; os.fsync = lambda _: (_ for _ in ()).throw(OSError(28, 'No space left on"
        " device')); from bot.__main__ import main; sys.exit(main(['backup', sys.argv[1]]))"
    )
    target = tmp_path / "backup"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", script, str(target)),
        env={**os.environ, "PYTHONPATH": str(ROOT), "STORE__FOLDER": str(folder)},
        cwd=tmp_path,
        stderr=asyncio.subprocess.PIPE,
    )
    _, err = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    assert process.returncode == 1
    assert err.decode() == f"darkroom: {target}: No space left on device\n"
    assert not target.exists()

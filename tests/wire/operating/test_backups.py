"""`darkroom backup` and `restore` as an owner runs them, beside a bot that draws and deletes."""

import asyncio
import hashlib
import os
import signal
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

from bot.db.backups.manifest import MANIFEST, UNFINISHED
from bot.db.database import FILE_NAME
from bot.db.examination import examine
from bot.texts import say
from playground import Playground
from tests.wire.conftest import PATIENCE_S, Process
from tests.wire.test_doctor import doctor

ROOT = Path(__file__).parents[3]
LONG = 100  # steps


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
    playground: Playground, bot: Process, tmp_path_factory
):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    for number in range(1, 4):
        await playground.slash("mia", "darkroom", "imagine", prompt="a pear", count=2, steps=1)
        await bot.finished(2, messages=number)
    # One is drawn and one waits; another one is deleted while the backup is made.
    for person in ("mia", "mia"):
        await playground.slash(person, "darkroom", "imagine", prompt="a fox", count=1, steps=LONG)
    await bot.until("status", lambda status: status == "running")
    copying = asyncio.create_task(darkroom(bot.folder, "backup", str(elsewhere / "backup")))
    first = bot.posted()[0]
    await playground.click("mia", first, say("button-delete"))
    status, out, err = await copying
    assert (status, err) == (0, "")
    assert " files, " in out

    await playground.wait_for(
        lambda: sum(bool(one.attachments) for one in bot.posted()) >= 4, PATIENCE_S, "the jobs"
    )
    await bot.until("(SELECT count(*) FROM jobs WHERE status = 'done')", lambda done: done == 5)
    assert await bot.end() == 0
    before = {message.id: len(message.attachments) for message in bot.posted()}

    # The disk is lost; a restored copy starts where the backup was made.
    restored = elsewhere / "data"
    restored.mkdir()
    status, out, err = await darkroom(restored, "restore", str(elsewhere / "backup"))
    assert (status, err) == (0, "")
    state = await examine(restored)
    assert state is not None
    assert (state.jobs, state.open_jobs, state.missing) == (5, 2, 0)
    assert state.sampled in (4, 6)
    status, lines = await doctor(playground, restored, STORE__FOLDER=str(restored))
    assert [line for line in lines if line.startswith("!!")] == []
    assert any("5 jobs, 2 open, whole" in line for line in lines)

    again = Process(playground, restored)
    await again.start()
    ended = "(SELECT count(*) FROM jobs WHERE status = 'done')"
    await again.until(ended, lambda done: done == 5)
    assert {message.id: len(message.attachments) for message in bot.posted()} == before, (
        "what was posted already is edited to the same"
    )
    created = playground.log.matching("POST", r"/channels/\d+/messages$")
    assert created == []
    assert await again.end() == 0


async def test_doctor_examines_a_backup(playground: Playground, bot: Process, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    await playground.slash("mia", "darkroom", "imagine", prompt="a pear", count=1, steps=1)
    await bot.finished(1)
    target = elsewhere / "backup"
    assert (await darkroom(bot.folder, "backup", str(target)))[0] == 0
    status, out, _ = await darkroom(bot.folder, "doctor", str(target))
    assert status == 0
    lines = out.splitlines()
    assert [line[:3] for line in lines] == ["ok "] * 3
    assert "1 jobs, 0 open, whole" in lines[1]
    picture = next(target.glob("pictures/*/*"))
    picture.write_bytes(picture.read_bytes()[:-1])
    status, out, _ = await darkroom(bot.folder, "doctor", str(target))
    assert status == 1
    name = picture.relative_to(target).as_posix()
    assert out == f"!!  backup       {target}: {name} is damaged\n"

    # And what is refused is one line.
    data = elsewhere / "data"
    data.mkdir()
    status, out, err = await darkroom(data, "restore", str(target))
    assert (status, out) == (1, "")
    assert err.count("\n") == 1
    assert err.startswith("darkroom: ")
    assert not (data / FILE_NAME).exists()
    status, _, err = await darkroom(bot.folder, "backup", str(target))
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


async def test_a_backup_and_a_restore_that_are_stopped_leave_nothing(
    playground: Playground, bot: Process, tmp_path_factory
):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    await playground.slash("mia", "darkroom", "imagine", prompt="a pear", count=1, steps=1)
    await bot.finished(1)
    assert await bot.end() == 0
    await asyncio.to_thread(many, bot.folder, 3000)
    target = elsewhere / "backup"

    async def at_work(process: asyncio.subprocess.Process, folder: Path) -> None:
        """Wait until it has copied something."""
        while not any(folder.rglob("*.png")):
            assert process.returncode is None
            await asyncio.sleep(0.01)

    for number in (signal.SIGTERM, signal.SIGINT):
        process = await begin(bot.folder, "backup", str(target))
        await asyncio.wait_for(at_work(process, target), PATIENCE_S)
        process.send_signal(number)
        _, err = await asyncio.wait_for(process.communicate(), PATIENCE_S)
        assert err.decode() == "darkroom: stopped; nothing was left behind\n"
        assert process.returncode == 130
        assert not target.exists()

    process = await begin(bot.folder, "backup", str(target))
    await asyncio.wait_for(at_work(process, target), PATIENCE_S)
    process.kill()
    await process.communicate()
    assert (target / UNFINISHED).exists()
    assert not (target / MANIFEST).exists()
    data = elsewhere / "data"
    data.mkdir()
    status, _, err = await darkroom(data, "restore", str(target))
    assert (status, err) == (
        1,
        f"darkroom: {target} is no whole backup: it was interrupted\n",
    )
    assert (await darkroom(bot.folder, "backup", str(target)))[0] == 0

    process = await begin(data, "restore", str(target))
    await asyncio.wait_for(at_work(process, data), PATIENCE_S)
    process.send_signal(signal.SIGTERM)
    _, err = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    assert err.decode() == "darkroom: stopped; nothing was changed\n"
    assert [one.name for one in data.iterdir() if one.name != "darkroom.lock"] == []
    assert (await darkroom(data, "restore", str(target)))[0] == 0
    assert len(list(data.glob("pictures/*/*"))) == 3001


async def test_a_disk_that_is_full_is_one_line(playground: Playground, bot: Process, tmp_path):
    """Where nothing can be made durable any more, as on a full disk."""
    await playground.slash("mia", "darkroom", "imagine", prompt="a pear", count=1, steps=1)
    await bot.finished(1)
    script = (
        "import os, sys; os.fsync = lambda _: (_ for _ in ()).throw(OSError(28, 'No space left on"
        " device')); from bot.__main__ import main; sys.exit(main(['backup', sys.argv[1]]))"
    )
    target = tmp_path / "backup"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", script, str(target)),
        env={**os.environ, "PYTHONPATH": str(ROOT), "STORE__FOLDER": str(bot.folder)},
        cwd=tmp_path,
        stderr=asyncio.subprocess.PIPE,
    )
    _, err = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    assert process.returncode == 1
    assert err.decode() == f"darkroom: {target}: No space left on device\n"
    assert not target.exists()

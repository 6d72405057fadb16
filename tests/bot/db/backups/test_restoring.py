"""What is put back, what is not, and what a kill in between leaves."""

import errno
import hashlib
import json
import os
import shutil
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from bot.db import replacing
from bot.db.backups import restoring
from bot.db.backups.manifest import LONGEST_LINE, MANIFEST
from bot.db.backups.restoring import examine_backup, restore
from bot.db.database import FILE_NAME, Database
from bot.db.errors import (
    BackupUnusable,
    StoreDamaged,
    StoreError,
    StoreFull,
    StoreInUse,
    StoreTooNew,
    StoreUnwritable,
)
from bot.db.examination import examine
from bot.db.occupancy import occupied
from bot.db.replacing import RESTORING
from tests.bot.db.backups.house import files, ids


async def test_what_was_there_is_moved_aside(database: Database, folder: Path, backup: Path):
    assert (folder / f"{FILE_NAME}-wal").exists()
    await database.close()
    (folder / f"{FILE_NAME}-wal").write_bytes(b"of another one")
    with pytest.raises(BackupUnusable, match="holds data already; --replace moves that aside"):
        restore(folder, backup)
    replaced = restore(folder, backup, replace=True)
    assert ids(folder) == [1, 2, 3]
    assert replaced is not None
    assert (replaced / f"{FILE_NAME}-wal").read_bytes() == b"of another one"
    assert len(list(replaced.glob("pictures/*/*"))) == 6
    assert not (folder / f"{FILE_NAME}-wal").exists()
    assert not (folder / RESTORING).exists()
    state = await examine(folder)
    assert state is not None
    assert (state.jobs, state.sampled, state.missing) == (3, 3, 0)


async def test_a_link_that_leads_nowhere_is_moved_aside(
    database: Database, folder: Path, backup: Path
):
    """As when the disk of the pictures is dead, which is why somebody restores."""
    await database.close()
    shutil.rmtree(folder / "pictures")
    (folder / "pictures").symlink_to(folder / "dead disk")
    replaced = restore(folder, backup, replace=True)
    assert replaced is not None
    assert (replaced / "pictures").is_symlink()
    assert not (folder / "pictures").is_symlink()
    state = await examine(folder)
    assert state is not None
    assert (state.jobs, state.missing) == (3, 0)


async def test_what_is_mounted_there_is_named_and_nothing_changes(
    database: Database, folder: Path, backup: Path, monkeypatch
):
    await database.close()
    before = files(folder)
    monkeypatch.setattr(os.path, "ismount", lambda path: Path(path).name == "pictures")
    with pytest.raises(StoreUnwritable, match="pictures is mounted there"):
        restore(folder, backup, replace=True)
    assert before.items() <= files(folder).items()


async def test_what_cannot_be_moved_aside_is_named_and_the_next_start_completes_it(
    database: Database, folder: Path, backup: Path, monkeypatch
):
    await database.close()
    (folder / f"{FILE_NAME}-wal").write_bytes(b"the log of the old one")
    rename = Path.rename

    def stuck(self: Path, target: Path) -> Path:
        if self == folder / FILE_NAME:
            raise OSError(errno.EBUSY, "Device or resource busy")
        return rename(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", stuck)
        with pytest.raises(StoreUnwritable, match="cannot be moved aside"):
            restore(folder, backup, replace=True)
    (folder / f"{FILE_NAME}-wal").touch()  # of who looked at the old one meanwhile
    with occupied(folder):
        pass
    assert ids(folder) == [1, 2, 3]
    (replaced,) = folder.glob("replaced-*")
    assert (replaced / f"{FILE_NAME}-wal").read_bytes() == b"the log of the old one"
    assert not (folder / f"{FILE_NAME}-wal").exists()


async def test_a_restore_over_a_running_bot_is_refused(folder: Path, backup: Path):
    with (
        occupied(folder),
        pytest.raises(StoreInUse, match=f"by another Darkroom, process {os.getpid()};"),
    ):
        restore(folder, backup, replace=True)
    assert len(ids(folder)) == 6


def entries(backup: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (backup / MANIFEST).read_text("utf-8").splitlines()]


def write(backup: Path, lines: list[dict[str, object]]) -> None:
    """Write a manifest that is right about itself."""
    text = "".join(json.dumps(line) + "\n" for line in lines[:-1])
    sizes = [int(str(line["size"])) for line in lines[1:-1]]
    end = {
        "files": len(sizes),
        "bytes": sum(sizes),
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
    }
    (backup / MANIFEST).write_text(text + json.dumps(end) + "\n", "utf-8")


def a_picture(backup: Path) -> Path:
    return next(backup.glob("pictures/*/*"))


def a_byte_is_another(backup: Path) -> None:
    content = bytearray(a_picture(backup).read_bytes())
    content[50] ^= 1
    a_picture(backup).write_bytes(content)


def a_picture_is_another(backup: Path) -> None:
    """Together with what the manifest says of it."""
    path, lines = a_picture(backup), entries(backup)
    path.write_bytes(b"another")
    name = path.relative_to(backup).as_posix()
    for line in lines[1:-1]:
        if line["name"] == name:
            line |= {"size": 7, "sha256": hashlib.sha256(b"another").hexdigest()}
    write(backup, lines)


def a_thumbnail_is_cut(backup: Path) -> None:
    path = next(backup.glob("thumbnails/*/*"))
    path.write_bytes(path.read_bytes()[:-1])


def a_picture_is_gone(backup: Path) -> None:
    a_picture(backup).unlink()


def a_picture_is_too_many(backup: Path) -> None:
    path = a_picture(backup)
    shutil.copy(path, path.with_stem("0" * 64))


def a_strange_file(backup: Path) -> None:
    (backup / "pictures" / "notes.txt").touch()


def a_deep_folder(backup: Path) -> None:
    (backup / "pictures" / "a" / "b" / "c").mkdir(parents=True)


def a_link_to_a_file(backup: Path) -> None:
    path = a_picture(backup)
    path.rename(backup.parent / "outside")
    path.symlink_to(backup.parent / "outside")


def a_link_to_a_folder(backup: Path) -> None:
    (backup / "pictures").rename(backup.parent / "outside")
    (backup / "pictures").symlink_to(backup.parent / "outside")


def a_pipe(backup: Path) -> None:
    a_picture(backup).unlink()
    os.mkfifo(next(backup.glob("pictures/*")) / f"{'0' * 64}.png")


def a_way_out(name: str) -> Callable[[Path], None]:
    def spoil(backup: Path) -> None:
        lines = entries(backup)
        lines[1]["name"] = name
        write(backup, lines)

    spoil.__name__ = f"the name {name}"
    return spoil


def a_name_twice(backup: Path) -> None:
    lines = entries(backup)
    lines[3] = lines[2]
    write(backup, lines)


def the_manifest(change: Callable[[bytes], bytes], called: str) -> Callable[[Path], None]:
    def spoil(backup: Path) -> None:
        path = backup / MANIFEST
        path.write_bytes(change(path.read_bytes()))

    spoil.__name__ = called
    return spoil


def says(name: str, value: object) -> Callable[[Path], None]:
    def spoil(backup: Path) -> None:
        lines = entries(backup)
        lines[0][name] = value
        write(backup, lines)

    spoil.__name__ = f"{name} {value}"
    return spoil


def a_newer_database(backup: Path) -> None:
    with closing(sqlite3.connect(backup / FILE_NAME)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    remeasure(backup)


def a_damaged_database(backup: Path) -> None:
    content = (backup / FILE_NAME).read_bytes()
    (backup / FILE_NAME).write_bytes(content[:8192] + bytes(8192) + content[16384:])
    remeasure(backup)


def remeasure(backup: Path) -> None:
    lines = entries(backup)
    content = (backup / FILE_NAME).read_bytes()
    for line in lines[1:-1]:
        if line["name"] == FILE_NAME:
            line |= {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    write(backup, lines)


SPOILT = [
    (a_byte_is_another, BackupUnusable, "is damaged"),
    (a_picture_is_another, BackupUnusable, "is damaged"),
    (a_thumbnail_is_cut, BackupUnusable, "is damaged"),
    (a_picture_is_gone, BackupUnusable, "is missing"),
    (a_picture_is_too_many, BackupUnusable, "has 1 files that its manifest has not"),
    (a_strange_file, BackupUnusable, "'pictures/notes.txt' is in no backup"),
    (a_deep_folder, BackupUnusable, "is a link, or no ordinary file"),
    (a_link_to_a_file, BackupUnusable, "is a link, or no ordinary file"),
    (a_link_to_a_folder, BackupUnusable, "is a link, or no ordinary file"),
    (a_way_out("../darkroom.sqlite3"), BackupUnusable, "is in no backup"),
    (a_way_out("/etc/passwd"), BackupUnusable, "is in no backup"),
    (a_way_out("pictures\\..\\..\\x.png"), BackupUnusable, "is in no backup"),
    (a_way_out("C:/x"), BackupUnusable, "is in no backup"),
    (a_way_out("uploads/\u0663/" + "a" * 64), BackupUnusable, "is in no backup"),
    (a_way_out(""), BackupUnusable, "is in no backup"),
    (a_name_twice, BackupUnusable, "twice"),
    (the_manifest(lambda text: b"", "an empty manifest"), BackupUnusable, "not whole"),
    (the_manifest(lambda text: text[:-1], "a cut end"), BackupUnusable, "not whole"),
    (the_manifest(lambda text: text[: len(text) // 2], "half"), BackupUnusable, "not whole"),
    (
        the_manifest(lambda text: b"".join(text.splitlines(keepends=True)[:-1]), "no end"),
        BackupUnusable,
        "not whole",
    ),
    (the_manifest(lambda text: text + b"{}\n", "more"), BackupUnusable, "not whole"),
    (the_manifest(lambda text: text.replace(b"0", b"1"), "ones"), BackupUnusable, "damaged"),
    (
        the_manifest(lambda text: b"[" * LONGEST_LINE * 100, "brackets"),
        BackupUnusable,
        "damaged",
    ),
    (the_manifest(lambda text: b"\xff\xfe\n" + text, "bytes"), BackupUnusable, "damaged"),
    (the_manifest(lambda text: b"[1]\n" + text, "a list"), BackupUnusable, "damaged"),
    (says("revision", "0001"), BackupUnusable, "of another revision than it says"),
    (says("revision", "9999"), StoreTooNew, "newer Darkroom"),
    (says("revision", 20), BackupUnusable, "damaged"),
    (says("format", 2), StoreTooNew, "newer Darkroom"),
    (says("surprise", "x"), BackupUnusable, "damaged"),
    (a_newer_database, StoreTooNew, "newer Darkroom"),
    (a_damaged_database, StoreDamaged, "damaged"),
]
if sys.platform != "win32":
    SPOILT.append((a_pipe, BackupUnusable, "is a link, or no ordinary file"))


@pytest.mark.parametrize(
    ("spoil", "error", "said"), SPOILT, ids=[spoil.__name__ for spoil, _, _ in SPOILT]
)
async def test_what_is_no_backup_changes_nothing(
    database: Database,
    folder: Path,
    backup: Path,
    spoil: Callable[[Path], None],
    error: type[StoreError],
    said: str,
):
    await database.close()
    spoil(backup)
    before = files(folder)
    for refused in (examine_backup, lambda one: restore(folder, one, replace=True)):
        with pytest.raises(error, match=said) as raised:
            refused(backup)
        assert "\n" not in str(raised.value)
    after = files(folder)
    after.pop("darkroom.lock", None)
    assert after == before


async def test_a_restore_that_does_not_fit_is_refused_before_it_begins(
    folder: Path, backup: Path, monkeypatch
):
    usage = shutil.disk_usage(folder)._replace(free=100)
    monkeypatch.setattr(restoring.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(StoreFull, match="and 100 are free"):
        restore(folder, backup, replace=True)
    assert len(ids(folder)) == 6


class Killed(BaseException):
    """The process ends here; nothing is tidied up."""


def moves(folder: Path, backup: Path, monkeypatch) -> int:
    """Count the moves that a restore makes."""
    count = 0
    rename = Path.rename

    def counted(self: Path, target: Path) -> Path:
        nonlocal count
        count += 1
        return rename(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", counted)
        restore(folder, backup, replace=True)
    return count


async def test_whenever_a_restore_is_killed_all_is_old_or_all_is_new(
    database: Database, folder: Path, backup: Path, elsewhere: Path, monkeypatch
):
    """It is killed before each of its moves; then the bot starts."""
    await database.close()
    shutil.copytree(folder, elsewhere / "trial")
    count = moves(elsewhere / "trial", backup, monkeypatch)
    assert count >= 9
    new = {name for name in files(elsewhere / "trial") if not name.startswith("replaced-")}
    outcomes = []
    rename = Path.rename
    for kill_at in range(count):
        data = elsewhere / f"data-{kill_at}"
        shutil.copytree(folder, data)
        done = 0

        def killed(self: Path, target: Path, kill_at: int = kill_at) -> Path:
            nonlocal done
            if done == kill_at:
                raise Killed
            done += 1
            return rename(self, target)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "rename", killed)
            with pytest.raises(Killed):
                restore(data, backup, replace=True)
        if replacing.interrupted(data):  # and while it is completed, it is killed again
            with monkeypatch.context() as patch:
                patch.setattr(Path, "rename", lambda *_: (_ for _ in ()).throw(Killed))
                with pytest.raises(Killed), occupied(data):
                    pass
        with occupied(data):
            found = files(data)
            outcomes.append(len(ids(data)))
            state = await examine(data)
        assert state is not None
        assert (state.sampled, state.missing) == (outcomes[-1], 0)
        if outcomes[-1] == 3:
            assert {name for name in found if not name.startswith("replaced-")} >= new - {
                "darkroom.pid"
            }
            (aside,) = data.glob("replaced-*")
            assert len(ids(aside)) == 6, "what was there is there, too"
            assert len(list(aside.glob("pictures/*/*"))) == 6
        assert not (data / RESTORING).exists()
        assert not list(data.glob(f"{replacing.UNPACKING}*"))
    assert outcomes == [6] + [3] * (count - 1)

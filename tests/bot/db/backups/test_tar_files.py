"""Backups of earlier releases, each in one tar file."""

import tarfile
from pathlib import Path

import pytest

from bot.db.backups.manifest import MANIFEST
from bot.db.backups.restoring import restore
from bot.db.errors import BackupUnusable, StoreTooNew
from bot.db.examination import examine
from tests.bot.db.backups.house import files, ids
from tests.bot.db.backups.test_restoring import a_newer_database


def tar(path: Path, **members: bytes) -> Path:
    with tarfile.open(path, "w") as out:
        for name, content in members.items():
            (path.parent / "member").write_bytes(content)
            out.add(path.parent / "member", name)
    return path


def in_one_file(backup: Path) -> Path:
    """Return what an earlier release would have written."""
    return tar(
        backup.with_suffix(".tar"),
        **{name: content for name, content in files(backup).items() if name != MANIFEST},
    )


async def test_a_tar_of_an_earlier_release_is_restored(folder: Path, backup: Path):
    assert restore(folder, in_one_file(backup), replace=True) is not None
    assert ids(folder) == [1, 2, 3]
    state = await examine(folder)
    assert state is not None
    assert (state.sampled, state.missing) == (3, 0)


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"../darkroom.sqlite3": b"x"}, "is in no backup"),
        ({"/etc/passwd": b"x"}, "is in no backup"),
        ({"pictures/../../x.png": b"x"}, "is in no backup"),
        ({"uploads/1/a": b"x"}, "is in no backup"),
        ({}, "there is no darkroom.sqlite3"),
        ({f"pictures/aa/{'a' * 64}.png": b"x"}, "is damaged in the backup"),
    ],
)
async def test_a_tar_that_is_no_backup_changes_nothing(
    folder: Path, backup: Path, members: dict[str, bytes], said: str
):
    with pytest.raises(BackupUnusable, match=said):
        restore(folder, tar(backup.with_suffix(".tar"), **members), replace=True)
    assert len(ids(folder)) == 6
    assert not list(folder.glob("replaced-*"))


async def test_a_tar_that_is_cut_or_newer_is_not_put_back(folder: Path, backup: Path):
    file = in_one_file(backup)
    whole = file.read_bytes()
    for length in (0, 100, 512, len(whole) // 2, len(whole.rstrip(b"\0")) // 512 * 512):
        file.write_bytes(whole[:length])
        with pytest.raises(BackupUnusable, match=r"no whole backup|is no backup"):
            restore(folder, file, replace=True)
    a_newer_database(backup)
    with pytest.raises(StoreTooNew):
        restore(folder, in_one_file(backup), replace=True)
    assert len(ids(folder)) == 6

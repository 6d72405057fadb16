"""What is kept is its owner's alone."""

import os
import stat
import sys
from pathlib import Path

import pytest

from bot.db.private_files import count_open, exposed, keep_private, tighten

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")


def modes(folder: Path) -> dict[str, int]:
    return {
        str(path.relative_to(folder)): stat.S_IMODE(path.lstat().st_mode)
        for path in (folder, *folder.rglob("*"))
        if not path.is_symlink()
    }


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A data folder as an earlier version left it, with a link out of it."""
    folder = tmp_path / "data"
    for name in ("darkroom.sqlite3", "darkroom.sqlite3-wal", "pictures/ab/abc.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("kept")
        (folder / name).chmod(0o664)
    for one in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
        one.chmod(0o755)
    (tmp_path / "elsewhere").write_text("not ours")
    (tmp_path / "elsewhere").chmod(0o644)
    (folder / "link").symlink_to(tmp_path / "elsewhere")
    return folder


def test_what_was_open_is_closed_and_links_are_left_alone(kept: Path):
    assert count_open(kept) == 6
    assert tighten(kept) == 6
    assert modes(kept) == {
        ".": 0o700,
        "darkroom.sqlite3": 0o600,
        "darkroom.sqlite3-wal": 0o600,
        "pictures": 0o700,
        "pictures/ab": 0o700,
        "pictures/ab/abc.png": 0o600,
    }
    assert stat.S_IMODE((kept.parent / "elsewhere").stat().st_mode) == 0o644
    assert (count_open(kept), tighten(kept)) == (0, 0)


def test_a_folder_that_is_not_there_yet_is_nothing_to_do(tmp_path: Path):
    assert tighten(tmp_path / "none") == 0


def test_new_files_are_nobody_elses(tmp_path: Path):
    before = os.umask(0o022)
    try:
        keep_private()
        (tmp_path / "folder").mkdir()
        (tmp_path / "folder" / "file").write_text("mine")
    finally:
        os.umask(before)
    assert modes(tmp_path / "folder") == {".": 0o700, "file": 0o600}


@pytest.mark.parametrize(
    ("mode", "open_"), [(0o600, False), (0o400, False), (0o640, True), (0o604, True)]
)
def test_a_file_of_secrets_is_exposed_to_whoever_may_read_it(
    tmp_path: Path, mode: int, open_: bool
):
    file = tmp_path / ".env"
    assert not exposed(file)
    file.write_text("DISCORD__TOKEN=x")
    file.chmod(mode)
    assert exposed(file) is open_

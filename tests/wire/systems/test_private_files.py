"""What the real process leaves on the disk."""

import os
import stat
import sys
from pathlib import Path

import pytest

from bot.db.database import FILE_NAME
from bot.db.private_files import OTHERS
from playground import Playground
from tests.wire.conftest import Process
from tests.wire.test_doctor import doctor

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")


@pytest.mark.real_worker
async def test_every_file_of_a_running_bot_is_its_owners_alone(
    playground: Playground, tmp_path: Path
):
    # As an earlier version, or a careless copy, may have left it.
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "old.png").write_bytes(b"")
    (tmp_path / "pictures" / "old.png").chmod(0o644)
    for folder in (tmp_path, tmp_path / "pictures"):
        folder.chmod(0o755)
    bot = Process(playground, tmp_path)
    before = os.umask(0o022)
    try:
        await bot.start()
    finally:
        os.umask(before)
    await playground.slash("mia", "darkroom", "imagine", prompt="a pear", count=1, steps=2)
    await bot.finished(1)
    found = [tmp_path, *tmp_path.rglob("*")]
    names = {path.name for path in found}
    assert {f"{FILE_NAME}{ending}" for ending in ("", "-wal", "-shm")} <= names
    assert any(path.suffix == ".webp" for path in found)
    assert [str(path) for path in found if stat.S_IMODE(path.stat().st_mode) & OTHERS] == []
    assert await bot.end() == 0


async def test_doctor_names_secrets_that_others_can_read(playground: Playground, tmp_path: Path):
    (tmp_path / ".env").write_text("LOG__LEVEL=INFO\n")
    (tmp_path / ".env").chmod(0o644)
    (tmp_path / "data").mkdir(mode=0o755)
    (tmp_path / "data").chmod(0o755)
    status, lines = await doctor(playground, tmp_path)
    assert status == 1
    assert [line for line in lines if line.startswith("!!")] == [
        "!!  files        .env: readable by others on this machine; run chmod 600 .env"
    ]
    assert "ok  files        data: 1 can be read by others; the next start mends it" in lines
    (tmp_path / ".env").chmod(0o600)
    status, lines = await doctor(playground, tmp_path)
    assert status == 0

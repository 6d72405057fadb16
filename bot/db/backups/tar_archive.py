"""Backups of earlier releases: one tar file, which can be restored still."""

import os
import shutil
import tarfile
from pathlib import Path

from bot.db.backups.contents import NAMES, measure
from bot.db.database import FILE_NAME
from bot.db.errors import BackupUnusable

END = bytes(2 * 512)  # of a tar file, at least


def unpack(file: Path, folder: Path) -> None:
    """Unpack a backup into an empty folder; raises BackupUnusable or OSError."""
    try:
        with tarfile.open(file, "r:") as tar:
            for member in tar:
                if not member.isfile() or not NAMES.fullmatch(member.name):
                    raise BackupUnusable(f"{file}: {member.name!r} is in no backup of Darkroom's")
                _write(tar, member, folder / member.name)
            if not _has_end(file):
                raise BackupUnusable(f"{file} is no whole backup: its end is missing")
    except tarfile.TarError as error:
        raise BackupUnusable(f"{file} is no whole backup: {error}") from error
    if not (folder / FILE_NAME).exists():
        raise BackupUnusable(f"{file} is no backup: there is no {FILE_NAME} in it")


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = tar.extractfile(member)
    assert content is not None  # noqa: S101 - it is a file
    path.touch(0o600, exist_ok=False)
    with content, path.open("wb") as out:
        shutil.copyfileobj(content, out)
        out.flush()
        os.fsync(out.fileno())
    os.utime(path, (member.mtime, member.mtime))
    if path.suffix == ".png" and measure(path)[1] != path.stem:
        raise BackupUnusable(f"{member.name} is damaged in the backup")


def _has_end(file: Path) -> bool:
    with file.open("rb") as stream:
        stream.seek(-min(len(END), file.stat().st_size), os.SEEK_END)
        return stream.read() == END

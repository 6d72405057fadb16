"""A disk that has bad hours for one process: a preloaded library before the system's calls."""

import errno
import shutil
import struct
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("disk.c")
# Errors as disks report them.
FULL, QUOTA, READ_ONLY, BROKEN = errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO


class NoCompiler(Exception):
    """There is no gcc to build the library with."""


class Disk:
    """What a process that is started with `environment` meets when it writes below ``folder``.

    The library and its switch lie in ``workshop``. Raises NoCompiler.
    """

    def __init__(self, folder: Path, workshop: Path) -> None:
        compiler = shutil.which("gcc")
        if compiler is None:
            raise NoCompiler("there is no gcc")
        self.folder = folder
        self._library = workshop / "disk.so"
        self._switch = workshop / "disk.switch"
        self.heal()
        subprocess.run(
            [compiler, "-shared", "-fPIC", "-O1", "-o", str(self._library), str(SOURCE), "-ldl"],
            check=True,
        )

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs in its environment."""
        return {
            "LD_PRELOAD": str(self._library),
            "DISK_FOLDER": str(self.folder.resolve()),
            "DISK_SWITCH": str(self._switch),
        }

    def refuse(self, number: int) -> None:
        """Let every write end with this errno, from now on."""
        self._set(number, 0)

    def dawdle(self, seconds: float) -> None:
        """Let every sync take so long, from now on."""
        self._set(0, round(1000 * seconds))

    def heal(self) -> None:
        """Let everything work again."""
        self._set(0, 0)

    def _set(self, number: int, milliseconds: int) -> None:
        # In place: the process has the file's page in its memory.
        with self._switch.open("r+b" if self._switch.exists() else "w+b") as switch:
            switch.write(struct.pack("=ii", number, milliseconds))

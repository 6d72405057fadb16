"""A failing disk for one process: a preloaded library that intercepts system calls."""

import errno
import shutil
import struct
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("disk.c")
# Errors as disks report them.
FULL, QUOTA, READ_ONLY, BROKEN = errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO


class NoCompiler(Exception):
    """gcc, which builds the library, is not installed."""


class Disk:
    """What a process started with `environment` experiences when writing below ``folder``.

    The library and its switch are in ``workshop``. Raises NoCompiler.
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
        """The environment variables a process needs."""
        return {
            "LD_PRELOAD": str(self._library),
            "DISK_FOLDER": str(self.folder.resolve()),
            "DISK_SWITCH": str(self._switch),
        }

    def refuse(self, number: int) -> None:
        """Let every write fail with this errno from now on."""
        self._set(number, 0)

    def dawdle(self, seconds: float) -> None:
        """Let every sync take this long from now on."""
        self._set(0, round(1000 * seconds))

    def heal(self) -> None:
        """Let everything work again."""
        self._set(0, 0)

    def _set(self, number: int, milliseconds: int) -> None:
        # In place: the process has mapped the file's page.
        with self._switch.open("r+b" if self._switch.exists() else "w+b") as switch:
            switch.write(struct.pack("=ii", number, milliseconds))

"""One process per bot on a machine, whichever folder it uses: two would answer the same people.

What is held is named after a hash of the token and of the Discord that it is for, and ends with its
process. On Linux that is an abstract Unix socket (unix(7)), which needs no file and no folder that
both processes see: users, home folders and services' own /tmp do not matter, only the network
namespace. Elsewhere it is a locked file in the user's folder for temporary files.
"""

import errno
import hashlib
import logging
import socket
import struct
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

SAID = "DISCORD__TOKEN: another Darkroom on this machine{who} uses it; stop that one first"
CREDENTIALS = struct.Struct("3i")  # struct ucred: process, user, group
ASKED_S, WAITING = 2.0, 16

log = logging.getLogger(__name__)


class BotInUse(Exception):
    """Another process on this machine connects as the same bot; the text names it."""


@contextmanager
def the_only(token: str, discord: str) -> Iterator[None]:
    """Be the only process of a bot at ``discord``, an address; raises BotInUse."""
    name = f"darkroom-{hashlib.sha256(f'{discord} {token}'.encode()).hexdigest()[:32]}"
    with ExitStack() as held:
        try:
            if sys.platform == "linux":
                held.enter_context(_socket(name))
            else:
                held.enter_context(locked(name))
        except OSError as error:
            log.warning("whether another Darkroom runs here cannot be told: %s", error.strerror)
        yield


if sys.platform == "linux":

    @contextmanager
    def _socket(name: str) -> Iterator[None]:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as held:
            try:
                held.bind(f"\0{name}")
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    raise BotInUse(SAID.format(who=_by_whom(name))) from None
                raise
            held.listen(WAITING)  # so that the other one can ask whose it is
            yield

    def _by_whom(name: str) -> str:
        """Return the process that listens, as far as this one can see it."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
            asking.settimeout(ASKED_S)
            try:
                asking.connect(f"\0{name}")
                found = asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
            except OSError:
                return ""
        process, _, _ = CREDENTIALS.unpack(found)
        return f", process {process}," if process else ""


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold a file of this name in the user's folder for temporary files; raises BotInUse."""
    lock = FileLock(Path(tempfile.gettempdir()) / f"{name}.lock", mode=0o600)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise BotInUse(SAID.format(who="")) from None
    try:
        yield
    finally:
        lock.release()

"""The bot's process where what only POSIX has is missing, as on Windows."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from playground import Playground
from tests.wire.conftest import PATIENCE_S, Process

pytestmark = pytest.mark.real_worker

ROOT = Path(__file__).parents[3]

# Put before what the product imports: what Windows lacks is gone, but for what Python itself needs
# here to start processes. psutil and filelock have a module for each system: they take what they
# need first, fchmod stays for filelock, and termios for what asks first which system it is on.
LACKING = """
import asyncio, filelock, os, psutil, signal, sys
for name in ("sysconf", "nice", "getuid", "geteuid", "fork", "forkpty", "chown",
             "killpg", "getpgid", "mkfifo", "statvfs", "getloadavg",
             "posix_fadvise", "O_DIRECTORY"):
    if hasattr(os, name):
        delattr(os, name)
for name in ("SIGHUP", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGSTOP", "alarm", "setitimer"):
    delattr(signal, name)
def lacking(*_):
    raise NotImplementedError
asyncio.SelectorEventLoop.add_signal_handler = lacking
asyncio.SelectorEventLoop.remove_signal_handler = lacking
for name in ("fcntl", "resource", "pwd", "grp"):
    sys.modules[name] = None
"""


async def test_the_bot_serves_and_stops_where_all_of_that_is_missing(
    playground: Playground, tmp_path: Path
):
    (tmp_path / "lacking").mkdir()
    (tmp_path / "lacking" / "sitecustomize.py").write_text(LACKING, "utf-8")
    bot = Process(playground, tmp_path)
    path = os.pathsep.join([str(tmp_path / "lacking"), str(ROOT)])
    await bot.start(PYTHONPATH=path, PYTHONIOENCODING="ascii")
    await playground.slash("mia", "darkroom", "imagine", prompt="a pear", count=1, steps=1)
    await bot.finished(1)
    assert await asyncio.wait_for(bot.end(signal.SIGINT), PATIENCE_S) == 0
    assert "Traceback" not in bot.log.read_text("utf-8")

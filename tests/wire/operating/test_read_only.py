"""The bot as a container runs it: a read-only system, one folder to write, no privileges."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from playground import Playground
from tests.test_containers import environment, of
from tests.wire.conftest import PATIENCE_S, QUICK, Process

ROOT = Path(__file__).parents[3]
# Everything becomes read-only in a mount namespace of its own, but for what is bound over itself;
# then no privilege is left to change that, nor any to overrule files' permissions.
CONFINED = """
mount --make-rprivate /
mount --bind "$1" "$1"
mount -o remount,bind,ro /
awk '{print $5}' /proc/self/mountinfo | while read -r place; do
    case "$place" in
        /|/proc*|/sys*|/dev*|"$1") ;;
        *) mount -o remount,bind,ro "$place" 2>/dev/null || true ;;
    esac
done
cd "$1"
shift
exec setpriv --no-new-privs --bounding-set=-all --inh-caps=-all "$@"
"""


def confined(folder: Path, *command: str) -> list[str]:
    return ["unshare", "--mount", "sh", "-ec", CONFINED, "sh", str(folder), *command]


def may_confine(folder: Path) -> bool:
    """Tell whether this machine lets us, and the folder is then all that can be written."""
    if shutil.which("unshare") is None or shutil.which("setpriv") is None:
        return False
    probe = confined(folder, "sh", "-c", "touch here && ! touch /etc/x && ! touch /tmp/x")
    return subprocess.run(probe, check=False, capture_output=True).returncode == 0


def settings(folder: Path, port: int) -> dict[str, str]:
    """What the image sets, with this machine's folder and a port that is free."""
    found = {name: value for name, value in environment().items() if name != "PATH"}
    return {
        name: value.replace("/data", str(folder)).replace(":9464", f":{port}")
        for name, value in found.items()
    }


async def test_it_draws_on_a_read_only_system_and_tells_its_health(
    playground: Playground, tmp_path: Path, unused_tcp_port: int
):
    if not await asyncio.to_thread(may_confine, tmp_path):
        pytest.skip("needs root's right to make a mount namespace")
    process = Process(playground, tmp_path)
    shutil.copyfile(process.template / "darkroom.sqlite3", tmp_path / "darkroom.sqlite3")
    log = tmp_path / "bot.log"
    with log.open("wb") as out:
        bot = await asyncio.create_subprocess_exec(
            *confined(tmp_path, sys.executable, "-m", QUICK, *json.loads(of("CMD")[0])),
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(ROOT),
                **playground.environment,
                **settings(tmp_path, unused_tcp_port),
                "GENERATION__ROWS": "8",
            },
            stderr=out,
        )
    try:
        await playground.ready(PATIENCE_S)
        await playground.slash("mia", "darkroom", "imagine", prompt="a pear", count=1, steps=2)
        await process.finished(1)
        command = json.loads(of("HEALTHCHECK")[0].partition("CMD ")[2])
        check = re.sub(r":9464", f":{unused_tcp_port}", command[-1])
        checked = await asyncio.create_subprocess_exec(sys.executable, "-c", check)
        assert await asyncio.wait_for(checked.wait(), PATIENCE_S) == 0
    finally:
        bot.terminate()
        ended = await asyncio.wait_for(bot.wait(), PATIENCE_S)
    text = log.read_text("utf-8")
    assert ended == 0, text
    assert "Read-only file system" not in text
    assert "Traceback" not in text
    checked = await asyncio.create_subprocess_exec(
        sys.executable, "-c", check, stderr=asyncio.subprocess.DEVNULL
    )
    assert await asyncio.wait_for(checked.wait(), PATIENCE_S) != 0, "it has ended"

"""`darkroom play`: the Discord stand-in and the unmodified bot, each in its own process."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from bot.stopping import STOPS
from generation import embedded
from generation.catalog import EMBEDDED, Checkpoint

# Ctrl-C reaches this process only, which stops the others in order.
APART: dict[str, Any]
if sys.platform == "win32":
    APART = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
else:
    APART = {"start_new_session": True}
GRACE_S = 12.0  # the bot itself stops within 10 s
TOKEN = "playground"  # noqa: S105 - it opens nothing but the stand-in
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")


def play(port: int, folder: Path, checkpoint: Checkpoint) -> int:
    """Serve until Ctrl-C, SIGTERM, or the end of either process; return the exit status.

    ``checkpoint`` is the default one, described on the page.
    """
    stopped = threading.Event()
    for number in STOPS:
        signal.signal(number, lambda *_: stopped.set())
    children: list[subprocess.Popen[str]] = []
    try:
        model = _describe(checkpoint, folder)
        stand_in = _start(
            ["playground", "--port", str(_free(port)), "--token", TOKEN, "--model", str(model)], {}
        )
        children.append(stand_in)
        assert stand_in.stdout is not None  # noqa: S101
        found = ADDRESS.search(stand_in.stdout.readline())
        if found is None:
            print("darkroom: the playground did not start", file=sys.stderr)
            return 1
        address = found[0]
        print(f"\n  Darkroom is at {address}   (Ctrl-C ends it)\n", flush=True)
        bot = _start(["bot", "run"], _environment(address, folder))
        children.append(bot)
        while not stopped.wait(0.3):
            for name, child in (("playground", stand_in), ("bot", bot)):
                if child.poll() is not None:
                    print(f"darkroom: the {name} ended", file=sys.stderr)
                    return 1
        return 0
    finally:
        for child in reversed(children):
            _end(child)


def _start(module: list[str], environment: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", *module],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE if module[0] == "playground" else None,
        encoding="utf-8",
        **APART,
    )


def _describe(checkpoint: Checkpoint, folder: Path) -> Path:
    """Write the checkpoint's name and the words it knows to a file for the page."""
    built_in = checkpoint == EMBEDDED
    said = {
        "name": checkpoint.name,
        "things": len(embedded.concepts()) if built_in else 0,
        "words": sorted(embedded.known_words()) if built_in else [],
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "model.json"
    path.write_text(json.dumps(said), "utf-8")
    return path


def _environment(address: str, folder: Path) -> dict[str, str]:
    return {
        "DISCORD__TOKEN": TOKEN,
        "DISCORD__API_URL": f"{address}/api/v10",
        "DISCORD__GATEWAY_URL": address.replace("http", "ws", 1) + "/gateway",
        "DISCORD__CDN_URL": f"{address}/cdn",
        "STORE__FOLDER": str(folder),
        "GENERATION__DRAIN_S": "0",
    }


def _free(port: int) -> int:
    """Return the port, or 0 (any free one) if it is in use."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return 0 if probe.connect_ex(("127.0.0.1", port)) == 0 else port


def _end(child: subprocess.Popen[str]) -> None:
    if sys.platform == "win32":
        child.send_signal(signal.CTRL_BREAK_EVENT)
    else:
        child.terminate()
    try:
        child.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()

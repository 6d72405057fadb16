"""What Windows and macOS lack: nothing is called there that is not there.

`make lint` has mypy check the code for each of the three systems by typeshed's stubs, which know
what each one's standard library lacks. These names it cannot see: methods that exist everywhere
and raise, keywords, and files.
"""

import ast
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot import play
from generation.loading import memory

ROOT = Path(__file__).parents[1]
PRODUCT = ("bot", "generation", "playground", "migrations")

NAMES = {"add_signal_handler", "remove_signal_handler", "add_reader", "add_writer", "fork"}
KEYWORDS = {"preexec_fn", "pass_fds", "start_new_session", "process_group", "umask"}
FILES = ("/proc", "/sys", "/dev", "/etc", "/tmp", "/var", "/usr")

# Where one stands all the same, and what happens where it is not there.
GUARDED = {
    ("bot/play.py", "start_new_session"): "on Windows CREATE_NEW_PROCESS_GROUP",
    ("generation/loading/memory.py", "/sys/fs/cgroup"): "not there: no container's limit",
    ("generation/loading/memory.py", "/proc/self"): "not there: peaks count as 0",
}


def uses(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        match node:
            case ast.Attribute(attr=name) | ast.Name(id=name) if name in NAMES:
                yield name
            case ast.keyword(arg=str(name)) if name in KEYWORDS:
                yield name
            case ast.Constant(value=str(text)) if text in KEYWORDS:
                yield text
            case ast.Constant(value=str(text)) if text.startswith(tuple(f"{f}/" for f in FILES)):
                yield text


def test_what_only_posix_has_is_guarded():
    found = {
        (file.relative_to(ROOT).as_posix(), name)
        for package in PRODUCT
        for file in (ROOT / package).rglob("*.py")
        for name in uses(file)
    }
    assert found == set(GUARDED)


def test_text_files_are_never_read_in_the_system_s_own_encoding():
    checked = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--preview", "--select", "PLW1514", *PRODUCT],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stdout


def test_memory_is_measured_without_proc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(memory, "SELF", tmp_path / "no-proc")
    monkeypatch.setattr(memory, "CGROUP", tmp_path / "no-cgroup")
    import torch

    assert memory.free_bytes(torch.device("cpu")) > 0
    assert memory.peak_bytes(torch.device("cpu"), lambda: None) == 0


def test_on_windows_the_bot_is_ended_by_ctrl_break(monkeypatch: pytest.MonkeyPatch):
    sent = []

    class Child:
        def send_signal(self, number: int) -> None:
            sent.append(number)

        def wait(self, _seconds: float) -> None:
            pass

    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(signal, "CTRL_BREAK_EVENT", 1, raising=False)
    play._end(Child())
    assert sent == [1]


def test_a_console_without_utf_8_costs_nothing(tmp_path: Path):
    printed = subprocess.run(
        [sys.executable, "-c", "from bot.__main__ import main; main(['doctor'])"],
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "PYTHONIOENCODING": "ascii",
            "STORE__FOLDER": "Fotografías ☃",
        },
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
    )
    assert "Traceback" not in printed.stderr
    assert "Fotograf?as" in printed.stdout

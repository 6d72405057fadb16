"""The bot as a process: what it loads, how it ends, how it fails to start."""

import asyncio
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from bot.__main__ import NOT_LET_IN
from bot.db.database import FILE_NAME, migrate
from generation.embedded import CHECKPOINT
from playground import Playground
from tests.wire.conftest import PATIENCE_S, Process

pytestmark = pytest.mark.real_worker


def libraries(pid: int) -> str:
    return Path(f"/proc/{pid}/maps").read_text("utf-8")


async def test_only_the_worker_holds_torch(playground: Playground, bot: Process):
    await playground.slash("mia", "darkroom", "imagine", prompt="a pear", count=1, steps=2)
    await bot.finished(1)
    assert "libtorch" not in libraries(bot.pid)
    assert any("libtorch" in libraries(child.pid) for child in bot.children())


async def test_sigterm_requeues_and_the_next_start_goes_on(playground: Playground, bot: Process):
    for _ in range(2):
        await playground.slash("mia", "darkroom", "imagine", prompt="a pear", count=2, steps=40)

    def stepped() -> bool:
        return any(re.search(r"step [1-9]", message.content) for message in bot.posted())

    await playground.wait_for(stepped, PATIENCE_S, "a step")
    workers = bot.children()
    began = time.monotonic()
    assert await bot.end(signal.SIGTERM) == 0
    assert time.monotonic() - began < 10, "it must end before a service manager loses patience"
    _, alive = await asyncio.to_thread(psutil.wait_procs, workers, 5)
    assert alive == []
    assert bot.rows("status") == [("queued",), ("queued",)]
    await bot.restart()
    await bot.finished(2, messages=2)
    assert [len(message.attachments) for message in bot.posted()] == [2, 2]


async def test_a_killed_worker_costs_nobody_anything(playground: Playground, bot: Process):
    await playground.slash("mia", "darkroom", "imagine", prompt="a pear", count=2, steps=40)

    def stepped() -> bool:
        return any(re.search(r"step [1-9]", message.content) for message in bot.posted())

    await playground.wait_for(stepped, PATIENCE_S, "a step")
    for worker in bot.children():
        if "libtorch" in libraries(worker.pid):
            worker.kill()
    await bot.finished(2)
    assert bot.rows("status, error") == [("done", None)]


def start(tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot", "run"],
        env={"PATH": "", "PYTHONPATH": str(Path(__file__).parents[2]), **environment},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


@pytest.mark.parametrize(
    ("environment", "line"),
    [
        ({}, "DISCORD__TOKEN: is missing"),
        ({"STORE__FOLDER": "/proc/nowhere"}, "STORE__FOLDER: /proc/nowhere must be a folder"),
        ({"GENERATION__CHECKPOINT": "/nowhere"}, "/nowhere"),
        ({"GENERATION__CATALOG": "missing.toml"}, "missing.toml"),
        ({"LIMITS__WAITING": "0"}, "LIMITS__WAITING: "),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path: Path, environment: dict[str, str], line: str):
    if environment:
        environment = {"DISCORD__TOKEN": "x", **environment}
    ended = start(tmp_path, **environment)
    assert ended.returncode == 1
    (said,) = [said for said in ended.stderr.splitlines() if said.startswith("darkroom: ")]
    assert line in said
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        (None, "unet/diffusion_pytorch_model.safetensors"),
        ("diffusion_pytorch_model.bin", "pickled"),
    ],
)
def test_a_checkpoint_that_is_not_whole_or_not_safe_is_one_line(tmp_path: Path, weights, said):
    folder = tmp_path / "checkpoint"
    shutil.copytree(CHECKPOINT, folder)
    (folder / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    if weights is not None:
        (folder / "unet" / weights).write_bytes(b"\x80\x04.")
    ended = start(tmp_path, DISCORD__TOKEN="x", GENERATION__CHECKPOINT=str(folder))
    assert ended.returncode == 1
    (line,) = [line for line in ended.stderr.splitlines() if line.startswith("darkroom: ")]
    assert said in line
    assert "Traceback" not in ended.stderr


async def test_a_refused_token_is_one_line(playground: Playground, tmp_path: Path):
    environment = {**playground.environment, "DISCORD__TOKEN": "wrong-token"}
    ended = await asyncio.to_thread(start, tmp_path, **environment)
    assert ended.returncode == NOT_LET_IN
    assert "darkroom: DISCORD__TOKEN: Discord refused it" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "wrong-token" not in ended.stderr


async def test_a_newer_database_is_one_line_and_left_alone(tmp_path: Path):
    folder = tmp_path / "data"
    await migrate(folder)
    connection = sqlite3.connect(folder / FILE_NAME)
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    ended = start(tmp_path, DISCORD__TOKEN="x", STORE__FOLDER=str(folder))
    assert ended.returncode == 1
    assert "was written by a newer Darkroom" in ended.stderr
    assert "Traceback" not in ended.stderr

"""Whom the processes talk to: nobody but Discord, which here is the playground."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
ISOLATED = ["unshare", "--net", "--mount"]


def may_isolate() -> bool:
    try:
        return subprocess.run([*ISOLATED, "true"], check=False, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


def names_asked(folder: Path) -> list[str]:
    ended = subprocess.run(
        [*ISOLATED, sys.executable, "-m", "tests.wire.systems.isolated", str(folder)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)["asked"]


@pytest.mark.skipif(not may_isolate(), reason="needs root's right to make a network namespace")
def test_playing_asks_for_no_host_s_address(tmp_path: Path):
    assert names_asked(tmp_path) == []

"""`darkroom doctor`, as an owner runs it."""

import asyncio
import os
import shutil
import sys
from pathlib import Path

from bot.store.database import migrate
from generation.embedded import CHECKPOINT
from generation.profile import PROFILES, Profile, write_profiles
from playground import Permission, Playground
from tests.wire.conftest import PATIENCE_S


async def doctor(
    playground: Playground, tmp_path: Path, **environment: str
) -> tuple[int, list[str]]:
    asked = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        "doctor",
        env={
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[2]),
            **playground.environment,
            **environment,
        },
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(asked.communicate(), PATIENCE_S)
    assert b"Traceback" not in err
    assert asked.returncode is not None
    return asked.returncode, out.decode().splitlines()


async def test_all_is_well(playground: Playground, tmp_path: Path):
    await migrate(tmp_path / "data")
    measured = {"cpu | Emoji | 128×128 px": Profile([0.1, 0.1, 0.4], 0, 0)}
    write_profiles(tmp_path / "data" / PROFILES, measured)
    status, lines = await doctor(playground, tmp_path)
    assert status == 0
    assert all(line.startswith("ok") for line in lines)
    text = "\n".join(lines)
    assert "GiB of memory" in text
    assert "Emoji (default): found, valid" in text
    assert "darkroom.sqlite3: 0 jobs, 0 open" in text
    assert "cpu | Emoji | 128×128 px: 2 a forward, 20.0 a second" in text
    assert "nothing missing" in text


async def test_what_is_missing_is_named(playground: Playground, tmp_path: Path):
    world = playground.world
    playground.overwrite("general", world.bot, deny=Permission.ATTACH_FILES)
    shutil.copytree(CHECKPOINT, tmp_path / "half")
    (tmp_path / "half" / "vae" / "diffusion_pytorch_model.safetensors").unlink()
    (tmp_path / "catalog.toml").write_text(
        '[checkpoints.Half]\nsource = "half"\n[checkpoints.Far]\nsource = "somebody/something"\n'
    )
    status, lines = await doctor(playground, tmp_path, GENERATION__CATALOG="catalog.toml")
    assert status == 1
    wrong = [line for line in lines if line.startswith("!!")]
    assert len(wrong) == 2
    assert "Half (default)" in wrong[0]
    assert "vae/diffusion_pytorch_model.safetensors" in wrong[0]
    assert "lacks Attach Files in #general" in wrong[1]
    assert any("Far: from the hub, somebody/something" in line for line in lines)
    assert any("none yet" in line for line in lines)
    assert any("rows         not measured yet" in line for line in lines)


async def test_a_refused_token_is_a_finding(playground: Playground, tmp_path: Path):
    status, lines = await doctor(playground, tmp_path, DISCORD__TOKEN="wrong-token")
    assert status == 1
    assert lines[-1].endswith("DISCORD__TOKEN: Discord refused it")

"""`darkroom doctor`, as an owner runs it."""

import asyncio
import os
import shutil
import sys
from pathlib import Path

import pytest

from bot.core.jobs.job_store import JobStore
from bot.core.pictures.picture_store import PictureStore
from bot.db.database import FILE_NAME, Database, migrate
from generation.embedded import CHECKPOINT
from generation.engine.row_profile import Profile, write_profiles
from generation.options import PROFILES
from playground import Permission, Playground
from playground.wire.faults import Outage
from tests.bot.db.test_database import record
from tests.fakes import png
from tests.generation.library.files import write
from tests.generation.vision import tiny_captioners
from tests.generation.vision.tiny_clipseg import random_clipseg
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
    (emoji,) = [line for line in lines if "Emoji (default): found, valid" in line]
    assert emoji.endswith("; takes 2.1 GiB")
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


@pytest.mark.parametrize("outage", [one for one in Outage if "429" not in one])
async def test_bad_weather_is_a_finding(playground: Playground, tmp_path: Path, outage: Outage):
    playground.faults.strike(outage, "GET", "/users/@me$", times=2)
    status, lines = await doctor(playground, tmp_path, DISCORD__TIMEOUT_S="3")
    assert status == 1
    assert lines[-1].startswith("!!")
    assert "DISCORD__TOKEN" in lines[-1] or "cannot be reached: " in lines[-1]
    assert len(lines[-1]) < 200


async def test_a_refused_token_is_a_finding(playground: Playground, tmp_path: Path):
    status, lines = await doctor(playground, tmp_path, DISCORD__TOKEN="wrong-token")
    assert status == 1
    assert lines[-1].endswith("DISCORD__TOKEN: Discord refused it")


async def test_one_unreachable_server_hides_no_other(playground: Playground, tmp_path: Path):
    await migrate(tmp_path / "data")
    guild = playground.world.guild_id
    playground.faults.fail("GET", rf"/guilds/{guild}$", 403, code=50001)
    status, lines = await doctor(playground, tmp_path)
    assert status == 1
    assert any(line.startswith("!!  server") and "cannot be checked" in line for line in lines)
    playground.faults.fail("GET", "/users/@me/guilds", 403)
    status, lines = await doctor(playground, tmp_path)
    assert status == 1
    assert any("does not say which servers the bot is in" in line for line in lines)


async def test_damage_to_what_is_stored_is_a_finding(playground: Playground, tmp_path: Path):
    folder = tmp_path / "data"
    await migrate(folder)
    database = Database(folder)
    jobs, pictures = JobStore(database), PictureStore(database, folder)
    for number in range(3):
        job = await record(jobs, number)
        await pictures.save(job_id=job.id, index=0, seed=number, png=png(number))
    await database.close()
    next((folder / "pictures").glob("*/*.png")).unlink()
    status, lines = await doctor(playground, tmp_path)
    assert status == 1
    assert any("!!  pictures     1 of 3 checked are missing" in line for line in lines)
    content = (folder / FILE_NAME).read_bytes()
    (folder / FILE_NAME).write_bytes(content[:8192] + bytes(4096) + content[12288:])
    status, lines = await doctor(playground, tmp_path)
    assert any("!!  database" in line and "is damaged" in line for line in lines)
    assert any("nothing missing" in line for line in lines), "it goes on with the others"


async def test_what_files_are_not_is_said(playground: Playground, tmp_path: Path):
    models = tmp_path / "models" / "checkpoints"
    whole = write(models / "a lora.safetensors").read_bytes()
    (models / "cut.safetensors").write_bytes(whole[:-7])
    (models / "long.safetensors").write_bytes(whole + bytes(7))
    (models / "old.ckpt").write_bytes(b"PK")
    (models / "emoji").symlink_to(CHECKPOINT)
    (models / "emoji.toml").write_text("sise = 3")
    (tmp_path / "catalog.toml").write_text('default = "gone"')
    status, lines = await doctor(playground, tmp_path, GENERATION__CATALOG="catalog.toml")
    assert status == 1
    said = [line.removeprefix("!!  models").strip() for line in lines if "!!  models" in line]
    place = "models/checkpoints"
    assert said[:-1] == [
        f"{place}/a lora.safetensors is a LoRA, not a checkpoint",
        f"{place}/cut.safetensors is truncated: 7 bytes are missing",
        f"{place}/long.safetensors is 7 bytes too long",
        f"pickled weights are refused; safetensors only, not {place}/old.ckpt",
        f"{place}/emoji: emoji.toml: emoji.sise is unknown; known are "
        + said[4].partition("known are ")[2],
    ]
    assert said[-1].endswith("default must name one of its checkpoints, not 'gone'")
    assert "ok  checkpoint   Emoji (default): found, valid" in "\n".join(lines)


async def test_models_that_look_at_pictures_are_named(playground: Playground, tmp_path: Path):
    tiny_captioners.git(tmp_path / "models" / "captioners" / "tells")
    random_clipseg(tmp_path / "models" / "segmenters" / "finds")
    status, lines = await doctor(playground, tmp_path)
    assert status == 0
    assert "ok  models       tells: describes pictures, for /describe" in lines
    assert "ok  models       finds: finds what a mask's words mean, for /edit" in lines

"""Models that come and go while the bot runs, and five hundred of them."""

import asyncio
import io
import os
import shutil
from pathlib import Path

import pytest
from PIL import Image

from bot.core.model_folders import ModelFolders
from bot.texts import say
from generation.catalog import Catalog, Checkpoint
from generation.embedded import CHECKPOINT
from generation.errors import CheckpointUnavailable
from generation.library import shelf
from generation.library.offers import Looker
from tests.bot.conftest import House
from tests.generation.library.files import write

UNKEPT = Path("no such folder")  # in which what was read would be kept


@pytest.fixture
def models(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of models, in which there are none yet."""
    monkeypatch.setattr(shelf, "SETTLED_S", 0.0)
    monkeypatch.setattr(shelf.Library.look, "__defaults__", (0.0,))
    folder = tmp_path / "models"
    folder.mkdir()
    house.app.folders._look = Looker([folder], UNKEPT, None, "Emoji")
    return folder


@pytest.fixture
def owner(house: House):
    house.bot.owner_id = house.morgan.id
    return house.morgan


def put(models: Path, name: str) -> Path:
    shutil.copytree(CHECKPOINT, models / name, copy_function=os.link)
    return models / name


async def refresh(house: House, person) -> str:
    result = await person.slash(house.channel, "checkpoints", refresh=True)
    assert result.ephemeral
    return result.response.content


async def imagine(house: House, **options):
    result = await house.mia.slash(
        house.channel, "imagine", **{"prompt": "a fox", "count": 1, "seed": 7, **options}
    )
    await house.settle()
    return result


async def test_new_files_are_offered_without_a_restart(house: House, models: Path, owner):
    assert await refresh(house, owner) == say("refresh-nothing")
    put(models, "Nice_v2")
    write(models / "checkpoints" / "a lora.safetensors")
    said = await refresh(house, owner)
    assert said.startswith(say("refresh-new", count=2, names="Nice\\_v2 and a lora"))
    assert "is a LoRA, not a checkpoint" in said
    assert house.executor.offered == 1
    choices = await house.mia.autocomplete(house.channel, "imagine", "checkpoint", "nice")
    assert [choice["value"] for choice in choices] == ["Nice_v2"]
    await imagine(house, checkpoint="Nice_v2")
    assert house.executor.requests[-1].checkpoint == "Nice_v2"


async def test_only_the_bots_owners_refresh(house: House, models: Path, owner):
    put(models, "Nice")
    refused = await house.mia.slash(house.channel, "checkpoints", refresh=True)
    assert house.refusal(refused) == say("error-owners-only")
    assert "Nice" not in house.app.catalog.names


async def test_what_is_gone_ends_with_a_line_and_comes_back(house: House, models: Path, owner):
    nice = put(models, "Nice")
    await refresh(house, owner)
    drawn = await imagine(house, checkpoint="Nice")
    await house.mia.slash(house.channel, "settings set", checkpoint="Nice")
    nice.rename(models.parent / "away")
    said = await refresh(house, owner)
    assert said == say("refresh-gone", count=1, names="Nice")

    refused = await imagine(house, checkpoint="Nice")
    assert "not in the catalog, which has Emoji" in house.refusal(refused)
    refused = await house.mia.click(drawn.response, label=say("button-reroll"))
    assert "not in the catalog, which has Emoji" in refused.response.content
    enlarged = await house.mia.click(drawn.response, label="U1")
    await house.settle()
    assert enlarged.response.attachments, "the picture is there, and needs no checkpoint"
    plain = await imagine(house)
    assert house.executor.requests[-1].checkpoint == "Emoji"
    assert say("left-out-checkpoint", said="Nice") in plain.response.content

    (models.parent / "away").rename(nice)
    await refresh(house, owner)
    again = await house.mia.click(drawn.response, label=say("button-reroll"))
    await house.settle()
    assert again.response.attachments


async def test_a_job_that_waits_for_what_is_gone_ends_with_a_line(
    house: House, models: Path, owner
):
    nice = put(models, "Nice")
    await refresh(house, owner)
    house.executor.hold = True
    first = await house.mia.slash(house.channel, "imagine", prompt="a fox", count=1)
    waiting = await house.mia.slash(house.channel, "imagine", prompt="a cat", checkpoint="Nice")
    shutil.rmtree(nice)
    await refresh(house, owner)
    try:
        house.app.catalog["Nice"]
    except CheckpointUnavailable as error:
        house.executor.errors = {"Nice": error}
    house.executor.let_go()
    await house.settle()
    assert first.response.attachments
    assert "not in the catalog" in waiting.response.content
    assert (await house.job(2)).status == "failed"


async def test_a_broken_catalog_changes_nothing(house: House, models: Path, owner, tmp_path: Path):
    file = tmp_path / "catalog.toml"
    file.write_text("[checkpoints")
    house.app.folders._look = Looker([models], UNKEPT, file, None)
    put(models, "Nice")
    said = await refresh(house, owner)
    assert "not valid TOML" in said
    assert house.app.catalog.names == ("Emoji",)


async def test_the_owner_s_picture_is_the_example(house: House, models: Path, owner):
    put(models, "Nice")
    put(models, "Odd")
    Image.new("RGB", (600, 400), "red").save(models / "Nice.preview.png")
    (models / "Odd.png").write_bytes(b"no picture")
    await refresh(house, owner)
    shown = await house.mia.slash(house.channel, "checkpoints")
    thumbnails = {embed.title: embed.thumbnail.url for embed in shown.response.embeds}
    assert [name for name, url in thumbnails.items() if url] == ["Nice"]
    (file,) = shown.response.attachments
    picture = Image.open(io.BytesIO(await file.read()))
    assert (picture.size, picture.getpixel((5, 5))) == ((256, 256), (255, 0, 0))


async def test_it_looks_by_itself(house: House, models: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bot.core.model_folders.EVERY_S", 0.01)
    put(models, "Nice")
    folders = ModelFolders(house.app.catalog, house.executor, Looker([models], UNKEPT, None, None))
    looking = asyncio.create_task(folders.keep_looking())
    offered = asyncio.Event()
    monkeypatch.setattr(house.executor, "offer", offered.set)
    await offered.wait()
    assert "Nice" in house.app.catalog.names
    looking.cancel()
    await asyncio.wait([looking])


MANY = [f"model{number:03}_{'XL' if number % 2 else 'sd'}" for number in range(498)]


@pytest.fixture
def many(house: House) -> None:
    names = [*MANY, "ponyDiffusion-V6_XL", "a pony"]
    made = {name: Checkpoint(name=name, source=Path(name)) for name in names}
    house.app.catalog.become(Catalog(made, names[0]))


@pytest.mark.parametrize(
    ("typed", "first", "count"),
    [
        ("", "model000_sd", 25),
        ("model01", "model010_sd", 10),
        ("xl pony", "ponyDiffusion-V6_XL", 1),
        ("pony", "ponyDiffusion-V6_XL", 2),
        ("PONYDIFFUSION v6", "ponyDiffusion-V6_XL", 1),
        ("497", "model497_XL", 1),
        ("nothing", None, 0),
    ],
)
async def test_five_hundred_are_found_by_parts_of_their_names(
    house: House, many: None, typed: str, first: str | None, count: int
):
    choices = await house.mia.autocomplete(house.channel, "imagine", "checkpoint", typed)
    assert len(choices) == count
    assert first is None or choices[0]["value"] == first
    if typed:
        shown = await house.mia.slash(house.channel, "checkpoints", search=typed)
        titles = [embed.title.replace("\\", "") for embed in shown.response.embeds]
        assert (titles[0] if titles else None) == first


async def test_a_wrong_name_among_five_hundred_is_a_short_line(house: House, many: None):
    line = house.refusal(await imagine(house, checkpoint="ponyDifusion V6 XL"))
    assert "the most similar names are ponyDiffusion-V6\\_XL" in line
    assert len(line) < 300
    line = house.refusal(await imagine(house, checkpoint="?"))
    assert "`/checkpoints` lists all 500" in line.replace("\\", "")

"""Folders in A1111's and ComfyUI's layouts, served by the real bot without a catalog."""

import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bot.texts import say
from playground import Playground
from playground.messages.messages import Message
from tests.generation.conftest import save_tiny
from tests.generation.library.files import write
from tests.generation.loading import layouts
from tests.wire.conftest import PATIENCE_S, Process

pytestmark = pytest.mark.real_worker

SIZE = "size = 64\n"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model in diffusers' format, and as the community shares models beside it."""
    folder = save_tiny(tmp_path_factory.mktemp("tiny") / "tiny")
    layouts.save(layouts.whole("sd1", layouts.read_folder(folder)), single(folder))
    return folder


def single(folder: Path) -> Path:
    return folder.with_name("tiny.safetensors")


def put(tiny: Path, place: Path, more: str = "") -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(single(tiny), place)
    # Its tokenizer is its own, so that its owner says where that is.
    place.with_suffix(".toml").write_text(f"config = {str(tiny)!r}\n{SIZE}{more}", "utf-8")


def fill(tmp_path: Path, tiny: Path) -> tuple[Path, Path]:
    """Return A1111's folder and ComfyUI's, as people have them."""
    webui, comfy = tmp_path / "stable-diffusion-webui", tmp_path / "Comfy UI" / "models"
    put(tiny, webui / "models" / "Stable-diffusion" / "anime" / "Größe 1.SafeTensors")
    write(webui / "models" / "Lora" / "a lora.safetensors")
    write(webui / "models" / "Stable-diffusion" / "misplaced.safetensors")
    (webui / "models" / "Stable-diffusion" / "old.ckpt").write_bytes(b"PK\x03\x04")
    (webui / "venv" / "lib").mkdir(parents=True)
    shutil.copyfile(single(tiny), webui / "venv" / "lib" / "no model.safetensors")
    shutil.copytree(tiny, comfy / "diffusers" / "as a folder")
    (comfy / "diffusers" / "as a folder.toml").write_text(SIZE)
    blobs = comfy / "checkpoints" / "blobs"
    blobs.mkdir(parents=True)
    shutil.copyfile(single(tiny), blobs / "0123abcd")
    put(tiny, comfy / "checkpoints" / "shared.safetensors", 'title = "Shared XL"\n')
    (comfy / "checkpoints" / "shared.safetensors").unlink()
    (comfy / "checkpoints" / "shared.safetensors").symlink_to(blobs / "0123abcd")
    Image.new("RGB", (64, 64), "red").save(comfy / "checkpoints" / "shared.preview.png")
    return webui, comfy


async def test_a_folder_is_enough(playground: Playground, tmp_path: Path, tiny: Path):
    webui, comfy = fill(tmp_path, tiny)
    folder = tmp_path / "data"
    folder.mkdir()
    bot = Process(playground, folder)
    await bot.start(MODELS__FOLDERS=f"{webui}, {comfy}", GENERATION__CHECKPOINT="Emoji")
    try:
        assert len(bot.lines("misplaced.safetensors is a LoRA, not a checkpoint")) == 1
        assert len(bot.lines("pickled weights are refused")) == 1
        await _served(playground, bot)
        await _refreshed(playground, bot, tiny, webui)
    finally:
        assert await bot.end() == 0
    assert not bot.lines("Traceback")


async def _served(playground: Playground, bot: Process) -> None:
    assert await names(playground, "mia") == ["as a folder", "Größe 1", "Shared XL", "Emoji"]
    assert await names(playground, "mia", "xl") == ["Shared XL"]
    await playground.slash("mia", "darkroom", "checkpoints")
    card = await answer(playground, "mia", "Shared XL")
    assert [embed["title"] for embed in card.embeds] == [
        "as a folder",
        "Größe 1",
        "Shared XL",
        "Emoji",
    ]
    assert len(card.attachments) == 1
    drawn = [await draw(playground, bot, name) for name in ("as a folder", "Größe 1", "Shared XL")]
    for other in drawn[1:]:
        assert np.array_equal(drawn[0], other), "the same weights draw the same"


async def _refreshed(playground: Playground, bot: Process, tiny: Path, webui: Path) -> None:
    theo = playground.world.user("theo")
    (role,) = playground.world.members[theo.id].role_ids
    put(tiny, webui / "models" / "Stable-diffusion" / "new.safetensors", f"roles = [{role}]")
    (webui / "models" / "Stable-diffusion" / "anime" / "Größe 1.SafeTensors").unlink()
    await playground.slash("mia", "darkroom", "checkpoints", refresh=True)
    await answer(playground, "mia", say("error-owners-only"))
    await playground.slash("olive", "darkroom", "checkpoints", refresh=True)
    said = await answer(playground, "olive", say("refresh-new", count=1, names="new"))
    assert say("refresh-gone", count=1, names="Größe 1") in said.content
    assert await names(playground, "theo") == ["as a folder", "new", "Shared XL", "Emoji"]
    assert await names(playground, "mia") == ["as a folder", "Shared XL", "Emoji"]
    await playground.slash("mia", "darkroom", "imagine", prompt="a pear", checkpoint="new")
    await answer(playground, "mia", say("error-checkpoint-reserved", name="new"))
    before = await draw(playground, bot, "Shared XL")
    assert np.array_equal(before, await draw(playground, bot, "new", who="theo"))
    await playground.click("mia", bot.posted()[1], say("button-reroll"))
    await answer(playground, "mia", "not in the catalog")


async def names(playground: Playground, who: str, typed: str = "") -> list[str]:
    choices = await playground.autocomplete(who, "darkroom", "imagine", "checkpoint", typed)
    return [choice["value"] for choice in choices]


async def answer(playground: Playground, who: str, words: str) -> Message:
    """Wait for a private answer that says this."""

    def found() -> Message | None:
        for seen in reversed(playground.messages("darkroom", who)):
            if seen.private_to is not None and words in f"{seen.content}{seen.embeds}":
                return seen
        return None

    return await playground.wait_for(found, PATIENCE_S, words)


async def draw(
    playground: Playground, bot: Process, checkpoint: str, who: str = "mia"
) -> np.ndarray:
    """Return the pixels of a picture."""
    number = len(bot.posted()) + 1
    await playground.slash(
        who, "darkroom", "imagine", prompt="a red apple", count=1, seed=7, steps=4,
        guidance_scale=3.0, sampler="DDIM", checkpoint=checkpoint,
    )  # fmt: skip
    message = await bot.finished(1, messages=number)
    (file,) = message.attachments
    picture = Image.open(io.BytesIO(file.content))
    return np.asarray(picture.convert("RGB"))

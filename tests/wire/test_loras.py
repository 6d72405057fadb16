"""Three people with three LoRAs and one without, at once, by the real bot and its real worker."""

import asyncio
import io
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import UNet2DConditionModel
from PIL import Image
from torch import nn
from transformers import CLIPTextModel

from playground import Playground
from tests.generation.conditions.lora_files import LINEAR, kohya, write_adapter
from tests.generation.conftest import save_tiny
from tests.wire.conftest import Process

pytestmark = pytest.mark.real_worker

# Who draws with what; two of them are of other kinds than most, and all have a text encoder.
PEOPLE = {"mia": "Ink", "theo": "Clay", "olive": "Neon", "morgan": None}
KINDS = {"Ink": "LoRA", "Clay": "LoHa", "Neon": "DoRA"}
STEPS = 60  # so that everybody is aboard before the first has ended


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An owner's folder with a tiny checkpoint and three LoRAs for it."""
    folder = tmp_path_factory.mktemp("models")
    tiny = save_tiny(folder / "checkpoints" / "tiny")
    tiny.with_name("tiny.toml").write_text("size = 64\n")
    (folder / "loras").mkdir()
    for seed, (name, kind) in enumerate(KINDS.items()):
        write_adapter(
            folder / "loras" / f"{name}.safetensors",
            {
                "denoiser": UNet2DConditionModel.from_pretrained(tiny / "unet"),
                "text_encoder": CLIPTextModel.from_pretrained(tiny / "text_encoder"),
            },
            lambda _, layer: isinstance(layer, nn.Linear),
            LINEAR[kind],
            kohya,
            seed=seed,
            dtype=torch.float16,
        )
    return folder


async def test_everybody_gets_their_own(playground: Playground, tmp_path: Path, models: Path):
    bot = Process(playground, tmp_path)
    await bot.start(MODELS__FOLDERS=str(models), GENERATION__CHECKPOINT="tiny")
    try:
        alone = {}
        for who in PEOPLE:
            await ask(playground, who)
            await bot.finished(1, messages=len(alone) + 1)
            alone[who] = drawn_by(bot, playground, who)[-1]
        await asyncio.gather(*(ask(playground, who) for who in PEOPLE))
        await bot.finished(1, messages=2 * len(PEOPLE))
        together = {who: drawn_by(bot, playground, who)[-1] for who in PEOPLE}
    finally:
        assert await bot.end() == 0
    begun, ended = zip(*bot.rows("started_at, ended_at")[len(PEOPLE) :], strict=True)
    assert max(begun) < min(ended), "they were aboard together"
    for who in PEOPLE:
        assert_alike(together[who], alone[who])
    for who, own in alone.items():
        others = [picture for one, picture in alone.items() if one != who]
        assert all(np.abs(own - other).mean() > 1 for other in others), f"{who}'s is {who}'s own"
    assert not bot.lines("Traceback")


async def ask(playground: Playground, who: str) -> None:
    lora = PEOPLE[who]
    prompt = "a red apple" if lora is None else f"a red apple <lora:{lora}:0.8>"
    await playground.slash(
        who, "darkroom", "imagine", prompt=prompt, count=1, seed=7, steps=STEPS, guidance_scale=3.0
    )


def drawn_by(bot: Process, playground: Playground, who: str) -> list[np.ndarray]:
    """Return the pictures that somebody's jobs have made, in order."""
    person = playground.world.user(who).id
    posted = {message.id: message for message in bot.posted()}
    found = []
    for whose, message_id in bot.rows("person_id, message_id"):
        if whose == person:
            (file,) = posted[int(str(message_id))].attachments
            picture = Image.open(io.BytesIO(file.content)).convert("RGB")
            found.append(np.asarray(picture, np.int16))
    return found


def assert_alike(together: np.ndarray, alone: np.ndarray) -> None:
    """The promise to all who share a forward: one level in a thousandth of the values at most."""
    differing = np.abs(together - alone)
    assert differing.max() <= 1
    assert np.count_nonzero(differing) <= differing.size / 1000

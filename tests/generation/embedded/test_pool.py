"""The pool of latents, and the start from another checkpoint."""

from pathlib import Path

import numpy as np
import torch
from diffusers import UNet2DConditionModel

from generation.embedded.recipe.models import build_text_encoder, build_unet, build_vae
from generation.embedded.recipe.pictures.dataset import Concept
from generation.embedded.recipe.scenes.exercises import exercises
from generation.embedded.recipe.training.denoiser import Latents, encode_lessons
from generation.embedded.recipe.training.lessons import Lesson, build_lessons
from generation.embedded.recipe.training.pool import Maker, Pool
from generation.embedded.recipe.training.tokenizer import train_tokenizer
from generation.embedded.recipe.training.warm import start_denoiser
from tests.generation.embedded.toys import TINY


def test_a_pool_goes_on_from_its_state_with_the_same_pictures(concepts: list[Concept]):
    torch.manual_seed(0)
    vae = build_vae(TINY).eval()
    pools = [Pool(5, exercises(concepts), vae, 32, "cpu") for _ in range(2)]
    pools[0].refill(2)
    assert pools[0].state_dict()["made"] == 5, "filled at first"
    pools[1].load_state_dict({key: _copy(value) for key, value in pools[0].state_dict().items()})
    first = pools[0].state_dict()["latents"].clone()
    for pool in pools:
        pool.refill(2)
    latents = [pool.state_dict()["latents"] for pool in pools]
    assert torch.equal(*latents)
    changed = (latents[0] != first).flatten(1).any(dim=1)
    assert changed.tolist() == [True, True, False, False, False]
    drawn, caption = pools[0].draw(np.random.default_rng(0))
    assert drawn.shape == (8, 16, 16)
    assert caption(np.random.default_rng(0)) == caption(np.random.default_rng(0))


def test_kept_latents_are_made_again_for_other_captions(concepts: list[Concept], tmp_path: Path):
    torch.manual_seed(0)
    vae, make = build_vae(TINY).eval(), exercises(concepts)

    def encoded(lessons: list[Lesson], make: Maker) -> Latents:
        return encode_lessons(TINY, lessons, make, vae, tmp_path, "cpu", 1)

    lessons = build_lessons(concepts, TINY.picture)
    first = encoded(lessons, make)
    written = (tmp_path / "latents.pt").stat().st_mtime_ns
    assert torch.equal(encoded(lessons, make).aspects[0], first.aspects[0])
    assert (tmp_path / "latents.pt").stat().st_mtime_ns == written
    other = encoded(lessons, exercises(concepts[:3]))
    assert not torch.equal(other.aspects[0], first.aspects[0])
    fewer = encoded(lessons[:2], make)
    assert len(fewer.lessons) == 2


def _copy(value: object) -> object:
    return value.clone() if isinstance(value, torch.Tensor) else value


def test_a_start_from_a_checkpoint_changes_nothing_at_first(tmp_path: Path):
    torch.manual_seed(0)
    tokenizer = train_tokenizer(["a cat", "a dog"], TINY.vocabulary)
    text = build_text_encoder(TINY, tokenizer)
    text.save_pretrained(tmp_path / "text_encoder")
    config = {
        **build_unet(TINY).config,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
    }
    config["up_block_types"] = ("CrossAttnUpBlock2D", "UpBlock2D")
    config["in_channels"] = config["out_channels"] = 4
    older = UNet2DConditionModel.from_config(config).eval()
    older.save_pretrained(tmp_path / "unet")
    unet, words = build_unet(TINY).eval(), build_text_encoder(TINY, tokenizer)
    start_denoiser(tmp_path, unet, words)
    noisy, context = torch.randn(2, 8, 16, 16), torch.randn(2, 77, TINY.text_width)
    with torch.no_grad():
        expected = older(noisy[:, :4], 10, context).sample
        found, behind = unet(noisy, 10, context).sample.chunk(2, dim=1)
    assert torch.allclose(expected, found, atol=1e-5)
    assert not behind.any(), "it knows nothing of the other layer yet"
    assert len(unet.state_dict()) > len(older.state_dict())
    assert all(
        torch.equal(a, b) for a, b in zip(text.parameters(), words.parameters(), strict=True)
    )

"""The pool of latents, and the start from another checkpoint."""

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import UNet2DConditionModel

from generation.embedded.recipe.models import LAYER, build_text_encoder, build_unet, build_vae
from generation.embedded.recipe.pictures.dataset import Concept
from generation.embedded.recipe.scenes.exercises import exercises
from generation.embedded.recipe.training.painting import CHUNK, OTHERWISE, Painter, Painters
from generation.embedded.recipe.training.pool import Pool
from generation.embedded.recipe.training.tokenizer import train_tokenizer
from generation.embedded.recipe.training.warm import start_denoiser
from tests.generation.embedded.toys import TINY

SHAPES = ((32, 32), (32, 48), (48, 32))


def painter_of(concepts: list[Concept]) -> Painter:
    tokenizer = train_tokenizer([concept.name for concept in concepts], TINY.vocabulary)
    return Painter(exercises(concepts), tokenizer, SHAPES, 0.1)


def test_a_pool_goes_on_from_its_state_with_the_same_pictures(concepts: list[Concept]):
    torch.manual_seed(0)
    vae = build_vae(TINY).eval()
    painters = Painters(painter_of(concepts))
    pools = [Pool(3 * CHUNK, painters, vae) for _ in range(2)]
    pools[0].refill(0)
    before = pools[0].state_dict()
    assert before["made"] == 3, "filled at first"
    pools[1].load_state_dict(copy.deepcopy(before))
    first = before["rings"][0]["latents"].clone()
    for pool in pools:
        for _ in range(5):
            pool.refill(CHUNK // 4)
    latents = [pool.state_dict()["rings"][0]["latents"] for pool in pools]
    assert torch.equal(*latents)
    changed = (latents[0] != first).flatten(1).any(dim=1)
    assert changed.tolist() == [True, False, False]
    assert pools[0].state_dict()["due"] == CHUNK // 4
    drawn, tokens = pools[0].draw(5, otherwise=1.0)
    assert drawn.shape == (5, 2 * LAYER, 16, 16), "there are no others yet"
    assert tokens.shape == (5, 77)
    with pytest.raises(ValueError, match="pool must be a multiple of 64, not 40"):
        Pool(40, painters, vae)


def test_pictures_of_other_shapes_are_drawn_apart(concepts: list[Concept]):
    torch.manual_seed(0)
    pool = Pool(OTHERWISE * 2 * CHUNK, Painters(painter_of(concepts)), build_vae(TINY).eval())
    pool.refill(0)
    shapes = {tuple(pool.draw(2, otherwise=1.0)[0].shape[2:]) for _ in range(30)}
    assert shapes == {(24, 16), (16, 24)}
    assert {tuple(pool.draw(2, otherwise=0.0)[0].shape[2:]) for _ in range(9)} == {(16, 16)}


def test_painters_in_processes_paint_the_same(concepts: list[Concept]):
    painter = painter_of(concepts)
    alone, forked = Painters(painter), Painters(painter, processes=2)
    try:
        for chunk in (0, 1, 5, OTHERWISE - 1):
            for here, there in zip(alone.paint(chunk), forked.paint(chunk), strict=True):
                assert np.array_equal(here, there)
    finally:
        forked.close()
    layers, tokens = alone.paint(0)
    assert layers.shape == (CHUNK, 3, 32, 32, 3)
    assert all(len({tuple(row) for row in one.tolist()}) > 1 for one in tokens), "many wordings"


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
    config["in_channels"] = config["out_channels"] = LAYER
    older = UNet2DConditionModel.from_config(config).eval()
    older.save_pretrained(tmp_path / "unet")
    unet, words = build_unet(TINY).eval(), build_text_encoder(TINY, tokenizer)
    start_denoiser(tmp_path, unet, words)
    noisy, context = torch.randn(2, 2 * LAYER, 16, 16), torch.randn(2, 77, TINY.text_width)
    with torch.no_grad():
        expected = older(noisy[:, :LAYER], 10, context).sample
        found, behind = unet(noisy, 10, context).sample.chunk(2, dim=1)
    assert torch.allclose(expected, found, atol=1e-5)
    assert not behind.any(), "it knows nothing of the other layer yet"
    assert len(unet.state_dict()) > len(older.state_dict())
    assert all(
        torch.equal(a, b) for a, b in zip(text.parameters(), words.parameters(), strict=True)
    )

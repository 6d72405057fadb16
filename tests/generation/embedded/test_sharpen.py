"""The decoder's further training, of a checkpoint that is there already."""

from pathlib import Path

import torch

from generation.embedded.recipe.models import build_vae
from generation.embedded.recipe.pictures.dataset import Concept
from generation.embedded.recipe.sharpen import sharpen
from generation.embedded.recipe.training.autoencoder import strengths_apart
from generation.embedded.recipe.training.warm import start_vae
from tests.generation.embedded.toys import TINY


def test_sharpening_leaves_the_encoder_as_it_is(concepts: list[Concept], tmp_path: Path):
    torch.manual_seed(0)
    folder, work = tmp_path / "checkpoint", tmp_path / "work"
    work.mkdir()
    build_vae(TINY).half().save_pretrained(folder / "vae")
    before = start_vae(folder).state_dict()
    sharpen(TINY, concepts, work, folder)
    after = start_vae(folder).state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed
    assert all(name.startswith(("decoder.", "post_quant_conv.")) for name in changed)


def test_a_moved_edge_is_as_strong_and_a_soft_one_is_not():
    across = torch.arange(17.0)
    sharp, moved, soft = (
        edge.expand(1, 3, 17, 17)
        for edge in ((across > 5).float(), (across > 6).float(), (across / 6 - 0.5).clamp(0, 1))
    )
    assert strengths_apart(moved, sharp) < 0.2 * strengths_apart(soft, sharp)

"""Sharpen a finished checkpoint: ``python -m generation.embedded.recipe.sharpen FOLDER``.

Only its decoder is trained further, on single objects; everything else stays unchanged.
"""

import argparse
import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL

from generation.embedded.recipe.evaluation.judging import judge_of
from generation.embedded.recipe.models import Sizes
from generation.embedded.recipe.pictures.dataset import (
    Concept,
    fetch,
    learned,
    load_concepts,
    load_picture,
)
from generation.embedded.recipe.training.autoencoder import refine_decoder
from generation.embedded.recipe.training.warm import start_vae


def main() -> None:
    """Train the decoder and write it back."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--work", type=Path, default=Path(".training"))
    parser.add_argument("--steps", type=int, default=Sizes.decoder_steps)
    parser.add_argument("--batch", type=int, default=Sizes.vae_batch)
    parser.add_argument("--rate", type=float, default=Sizes.decoder_rate)
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    fetch(given.work)
    sizes = replace(
        Sizes(), decoder_steps=given.steps, vae_batch=given.batch, decoder_rate=given.rate
    )
    concepts = learned(given.folder, load_concepts(given.work))
    sharpen(sizes, concepts, given.work, given.folder)


def sharpen(sizes: Sizes, concepts: list[Concept], work: Path, folder: Path) -> AutoencoderKL:
    """Train the decoder of the checkpoint in ``folder``, write it there and return its VAE."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    vae = start_vae(folder).to(device)
    side = sizes.picture
    pictures = np.stack([load_picture(concept, side, side) for concept in concepts])
    refine_decoder(sizes, vae, pictures, judge_of(concepts, sizes, work), work, device)
    vae.to("cpu").half().save_pretrained(folder / "vae", safe_serialization=True)
    return vae


if __name__ == "__main__":
    main()

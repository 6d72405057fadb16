"""The stages of training, in order, and writing the resulting folder."""

import json
import logging
import os
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL, PNDMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTokenizer

from generation.catalog import EMBEDDED
from generation.embedded.recipe.evaluation.evaluate import draw, rank, sheet
from generation.embedded.recipe.evaluation.judging import SENTENCES
from generation.embedded.recipe.models import Sizes
from generation.embedded.recipe.pictures.arrays import WHOLE, to_tensor
from generation.embedded.recipe.pictures.captions import Narrator
from generation.embedded.recipe.pictures.dataset import Concept, load_picture, write_names
from generation.embedded.recipe.scenes.exercises import exercises, playwright_of
from generation.embedded.recipe.training.autoencoder import encode, train_vae
from generation.embedded.recipe.training.denoiser import train_denoiser
from generation.embedded.recipe.training.painting import Maker, Painter, Painters, paint
from generation.embedded.recipe.training.pool import Pool
from generation.embedded.recipe.training.sharpen import sharpen
from generation.embedded.recipe.training.tokenizer import train_tokenizer
from generation.embedded.recipe.training.warm import start_vae
from generation.request import Aspect

log = logging.getLogger("recipe")

LOOKED_AT = 32  # concepts drawn for inspection during training
TOLD = 5  # captions of each name from which the tokenizer learns


def train(
    sizes: Sizes, concepts: list[Concept], work: Path, out: Path, start: Path | None = None
) -> None:
    """Train all parts and write the checkpoint's folder, resuming from what is in ``work``.

    With ``start``, a checkpoint's folder, its tokenizer and its VAE are kept; the rest is trained
    on.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    log.info("%d concepts, %s", len(concepts), asdict(sizes))
    pictures = np.stack([load_picture(c, sizes.picture, sizes.picture) for c in concepts])
    make = exercises(concepts)
    if start is None:
        tokenizer = _tokenizer(_sayings(concepts, make), sizes, work / "tokenizer")
    else:
        tokenizer = CLIPTokenizer.from_pretrained(start, subfolder="tokenizer")
    square, *others = (replace(EMBEDDED, size=sizes.picture).size_for(aspect) for aspect in Aspect)
    processes = 0 if device == "cpu" else os.cpu_count() or 1
    painters = Painters(Painter(make, tokenizer, (square,), sizes.gibberish), processes)
    shown = paint(painters, sizes.painted, work / "painted.npy")
    painters.close()
    if start is None:
        vae = sharpen(sizes, shown, train_vae(sizes, shown, work, device), work, device)
    else:
        vae = start_vae(start).to(device)
    painters = Painters(Painter(make, tokenizer, (square, *others), sizes.gibberish), processes)
    pool = Pool(sizes.pool, painters, vae)
    asked = np.linspace(0, len(concepts) - 1, min(LOOKED_AT, len(concepts))).round().astype(int)

    def look(unet: UNet2DConditionModel, text: CLIPTextModel, step: int) -> None:
        names = [concepts[i].name for i in asked]
        drawn = draw(assemble(vae, text, tokenizer, unet), names, seed=step, steps=12)
        found = rank(drawn, pictures, asked)
        log.info("denoiser step %d %s", step, found)
        scenes = draw(assemble(vae, text, tokenizer, unet), list(SENTENCES), seed=step, steps=12)
        sheet(np.concatenate([drawn, scenes])).save(work / f"look_{step:06}.png")

    unet, text = train_denoiser(
        *(sizes, concepts, pool, tokenizer, playwright_of(concepts)),
        *(work, device, look, start),
    )
    painters.close()
    pipeline = assemble(vae.float(), text, tokenizer, unet).to("cpu")
    colours = fit_preview(vae, np.concatenate([pictures, shown[: len(pictures), WHOLE]]))
    pipeline.to(torch.float16).save_pretrained(out, safe_serialization=True)
    (out / "preview.json").write_text(json.dumps(colours, indent=1) + "\n")
    write_names(out, concepts)


def assemble(
    vae: AutoencoderKL, text: CLIPTextModel, tokenizer: CLIPTokenizer, unet: UNet2DConditionModel
) -> StableDiffusionPipeline:
    """Return the parts as diffusers' pipeline, with the scheduler that goes into the folder."""
    return StableDiffusionPipeline(
        vae=vae,
        text_encoder=text,
        tokenizer=tokenizer,
        unet=unet,
        scheduler=PNDMScheduler(
            num_train_timesteps=1000,
            beta_start=0.00085,
            beta_end=0.012,
            beta_schedule="scaled_linear",
            skip_prk_steps=True,
            steps_offset=1,
            prediction_type="v_prediction",
        ),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def _sayings(concepts: list[Concept], make: Maker) -> list[str]:
    """Return the texts for training the tokenizer: names, and what exercises say."""
    rng = np.random.default_rng(5)
    narrator = Narrator(concepts)
    told = [narrator.tell(concept, rng) for concept in concepts for _ in range(TOLD)]
    scenes = [make(rng).caption(rng) for _ in range(len(told))]
    return [concept.name for concept in concepts] + told + scenes


def _tokenizer(captions: list[str], sizes: Sizes, folder: Path) -> CLIPTokenizer:
    """Return the tokenizer of an earlier run, whose token ids the trained models use."""
    if not folder.exists():
        train_tokenizer(captions, sizes.vocabulary).save_pretrained(folder)
    return CLIPTokenizer.from_pretrained(folder)


def fit_preview(
    vae: AutoencoderKL, pictures: np.ndarray
) -> dict[str, list[list[float]] | list[float]]:
    """Fit, by least squares, the RGB (-1…1) of a latent cell to its scaled values and 1."""
    latents = encode(vae, pictures).cpu() * vae.config.scaling_factor
    factor = pictures.shape[1] // latents.shape[-1]
    colours = torch.nn.functional.avg_pool2d(to_tensor(pictures), factor)
    cells = latents.permute(0, 2, 3, 1).flatten(0, 2)
    cells = torch.cat([cells, torch.ones(len(cells), 1)], dim=1)
    solved = torch.linalg.lstsq(cells, colours.permute(0, 2, 3, 1).reshape(-1, 3)).solution
    rows = [[round(value, 5) for value in row] for row in solved.tolist()]
    return {"matrix": rows[:-1], "bias": rows[-1]}

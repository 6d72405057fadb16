"""The stages of training, in order, and writing the resulting folder."""

import json
import logging
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL, PNDMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTokenizer

from generation.embedded.recipe.evaluation.evaluate import draw, rank, sheet
from generation.embedded.recipe.evaluation.judging import SENTENCES
from generation.embedded.recipe.models import LAYER, Sizes
from generation.embedded.recipe.pictures.arrays import BEHIND, THINGS, WHOLE, to_tensor
from generation.embedded.recipe.pictures.dataset import Concept, load_picture, write_names
from generation.embedded.recipe.scenes.exercises import exercises, paint, playwright_of
from generation.embedded.recipe.training.autoencoder import encode, train_vae
from generation.embedded.recipe.training.denoiser import encode_lessons, train_denoiser
from generation.embedded.recipe.training.layered import join_layers
from generation.embedded.recipe.training.lessons import Lesson, build_lessons
from generation.embedded.recipe.training.pool import Maker, Pool
from generation.embedded.recipe.training.sharpen import sharpen
from generation.embedded.recipe.training.tokenizer import train_tokenizer
from generation.embedded.recipe.training.warm import start_vae

log = logging.getLogger("recipe")

LOOKED_AT = 32  # concepts drawn for inspection during training


def train(
    sizes: Sizes, concepts: list[Concept], work: Path, out: Path, start: Path | None = None
) -> None:
    """Train all parts and write the checkpoint's folder, resuming from what is in ``work``.

    With ``start``, a checkpoint's folder, its tokenizer is kept, and its VAE if that is one of two
    layers; the rest is trained on.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    log.info("%d concepts, %s", len(concepts), asdict(sizes))
    pictures = np.stack([load_picture(c, sizes.picture, sizes.picture) for c in concepts])
    lessons = build_lessons(concepts, sizes.picture)
    make = exercises(concepts)
    shown = paint(make, sizes.painted, sizes.picture, work / "painted.npy")
    vae = start_vae(start) if start is not None else None
    if vae is None or vae.config.latent_channels == LAYER:
        single = train_vae(sizes, _singles(shown), work, device, vae)
    else:
        single = vae
    if start is None:
        tokenizer = _tokenizer(_sayings(concepts, lessons, make), sizes, work / "tokenizer")
    else:
        tokenizer = CLIPTokenizer.from_pretrained(start, subfolder="tokenizer")
    scale = vae.config.scaling_factor if vae is not None else None  # what it was trained with
    latents = encode_lessons(sizes, lessons, make, single, work, device, scale)
    if single is not vae:
        vae = join_layers(sizes, shown, single, work, device)
        vae = sharpen(sizes, shown, single, vae, work, device)
    pool = Pool(sizes.pool, make, single, sizes.picture, device)
    asked = np.linspace(0, len(concepts) - 1, min(LOOKED_AT, len(concepts))).round().astype(int)

    def look(unet: UNet2DConditionModel, text: CLIPTextModel, step: int) -> None:
        names = [concepts[i].name for i in asked]
        drawn = draw(assemble(vae, text, tokenizer, unet), names, seed=step, steps=12)
        found = rank(drawn, pictures, asked)
        log.info("denoiser step %d %s", step, found)
        scenes = draw(assemble(vae, text, tokenizer, unet), list(SENTENCES), seed=step, steps=12)
        sheet(np.concatenate([drawn, scenes])).save(work / f"look_{step:06}.png")

    unet, text = train_denoiser(
        *(sizes, lessons, latents, pool, tokenizer, playwright_of(concepts)),
        *(work, device, look, start),
    )
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


def _singles(shown: np.ndarray) -> np.ndarray:
    """Return the layers of pictures as pictures of their own: things, and places but white."""
    placed = shown[:, BEHIND].min((1, 2, 3)) < 255
    return np.concatenate([shown[:, THINGS], shown[placed, BEHIND]])


def _sayings(concepts: list[Concept], lessons: list[Lesson], make: Maker) -> list[str]:
    """Return the texts for training the tokenizer: names, and wordings of everything taught."""
    rng = np.random.default_rng(5)
    told = [caption(rng) for lesson in lessons for caption in lesson.captions for _ in range(3)]
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
    latents = encode(vae, pictures, str(vae.device)) * vae.config.scaling_factor
    factor = pictures.shape[1] // latents.shape[-1]
    colours = torch.nn.functional.avg_pool2d(to_tensor(pictures), factor)
    cells = latents.permute(0, 2, 3, 1).flatten(0, 2)
    cells = torch.cat([cells, torch.ones(len(cells), 1)], dim=1)
    solved = torch.linalg.lstsq(cells, colours.permute(0, 2, 3, 1).reshape(-1, 3)).solution
    rows = [[round(value, 5) for value in row] for row in solved.tolist()]
    return {"matrix": rows[:-1], "bias": rows[-1]}

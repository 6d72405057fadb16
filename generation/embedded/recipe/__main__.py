"""Train the embedded checkpoint: ``python -m generation.embedded.recipe --work .training``."""

import argparse
import json
import logging
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL, PNDMScheduler, StableDiffusionPipeline
from transformers import CLIPTokenizer

from generation.embedded import CHECKPOINT
from generation.embedded.recipe.dataset import Concept, fetch, load_concepts, load_picture
from generation.embedded.recipe.evaluate import accuracy, draw, sheet
from generation.embedded.recipe.tokenizer import train_tokenizer
from generation.embedded.recipe.train import Sizes, encode, to_tensor, train_denoiser, train_vae

log = logging.getLogger("recipe")


def main() -> None:
    """Run every stage that is not done yet and write the checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=Path(".training"))
    parser.add_argument("--out", type=Path, default=CHECKPOINT)
    parser.add_argument("--picture", type=int, default=Sizes.picture)
    parser.add_argument("--vae-steps", type=int, default=Sizes.vae_steps)
    parser.add_argument("--steps", type=int, default=Sizes.steps)
    parser.add_argument("--batch", type=int, default=Sizes.batch)
    chosen = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    sizes = Sizes(
        picture=chosen.picture,
        vae_steps=chosen.vae_steps,
        steps=chosen.steps,
        batch=chosen.batch,
    )
    device = "cuda" if torch.cuda.is_available() else "cpu"
    fetch(chosen.work)
    concepts = load_concepts(chosen.work)
    log.info("%d concepts, %s", len(concepts), asdict(sizes))
    tokenizer = _tokenizer(concepts, sizes, chosen.work / "tokenizer")
    vae = train_vae(sizes, concepts, chosen.work, device)
    unet, text_encoder = train_denoiser(sizes, concepts, vae, tokenizer, chosen.work, device)
    pipeline = StableDiffusionPipeline(
        vae=vae.cpu().to(torch.float32),
        text_encoder=text_encoder.cpu(),
        tokenizer=tokenizer,
        unet=unet.cpu(),
        scheduler=PNDMScheduler(
            num_train_timesteps=1000,
            beta_start=0.00085,
            beta_end=0.012,
            beta_schedule="scaled_linear",
            skip_prk_steps=True,
            steps_offset=1,
        ),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.to(torch.float16).save_pretrained(chosen.out, safe_serialization=True)
    (chosen.out / "preview.json").write_text(
        json.dumps(fit_preview(vae.float(), concepts, sizes.picture), indent=1) + "\n"
    )
    judge(chosen.out, concepts, chosen.work)


def _tokenizer(concepts: list[Concept], sizes: Sizes, folder: Path) -> CLIPTokenizer:
    """Return the tokenizer of an earlier run: what was trained since means its token ids."""
    if not folder.exists():
        captions = [caption for concept in concepts for caption in concept.captions()]
        train_tokenizer(captions, sizes.vocabulary).save_pretrained(folder)
    return CLIPTokenizer.from_pretrained(folder)


def fit_preview(
    vae: AutoencoderKL, concepts: list[Concept], side: int
) -> dict[str, list[list[float]] | list[float]]:
    """Fit, by least squares, RGB in -1…1 of a latent cell from its four scaled values and 1."""
    pictures = to_tensor(np.stack([load_picture(c, side, side) for c in concepts]))
    latents = encode(vae, pictures, "cpu") * vae.config.scaling_factor
    factor = side // latents.shape[-1]
    colours = torch.nn.functional.avg_pool2d(pictures, factor)
    cells = latents.permute(0, 2, 3, 1).reshape(-1, 4)
    cells = torch.cat([cells, torch.ones(len(cells), 1)], dim=1)
    solved = torch.linalg.lstsq(cells, colours.permute(0, 2, 3, 1).reshape(-1, 3)).solution
    rows = [[round(value, 5) for value in row] for row in solved.tolist()]
    return {"matrix": rows[:4], "bias": rows[4]}


def judge(folder: Path, concepts: list[Concept], work: Path) -> None:
    """Load the written folder as anyone would, log its accuracy and write two sample sheets."""
    pipeline = StableDiffusionPipeline.from_pretrained(folder, dtype=torch.float32)
    figures = accuracy(pipeline, concepts)
    log.info("top-1 %.3f, top-5 %.3f of %d", figures.top1, figures.top5, figures.names)
    names = [concept.name for concept in concepts[:128]]
    sheet(draw(pipeline, names, 7)).save(work / "sheet.png")
    unseen = ["blue apple", "red cat", "a cat eating pizza", "aple", "spaceship", "", "two apples"]
    sheet(draw(pipeline, unseen, 7), columns=8).save(work / "sheet_unseen.png")
    side = pipeline.unet.config.sample_size * pipeline.vae_scale_factor
    seen = np.stack([load_picture(concept, side, side) for concept in concepts[:64]])
    with torch.no_grad():
        means = pipeline.vae.encode(to_tensor(seen)).latent_dist.mean
        back = pipeline.vae.decode(means).sample.clamp(-1, 1)
    restored = ((back + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
    sheet(np.concatenate([seen, restored])).save(work / "sheet_vae.png")


if __name__ == "__main__":
    main()

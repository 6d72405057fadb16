"""The recipe's evaluation of a finished checkpoint: metrics, and sample sheets."""

import logging
from pathlib import Path

import numpy as np
import torch
from diffusers import StableDiffusionPipeline

from generation.embedded.recipe.evaluation.classifier import Classifier, train_classifier
from generation.embedded.recipe.evaluation.evaluate import (
    accuracy,
    colour_share,
    draw,
    restore,
    sheet,
    side_of,
    vae_psnr,
)
from generation.embedded.recipe.evaluation.scores import judge_scenes, name_diversity
from generation.embedded.recipe.models import Sizes
from generation.embedded.recipe.pictures.dataset import Concept, load_picture
from generation.embedded.recipe.scenes.exercises import playwright_of

log = logging.getLogger("recipe")

SENTENCES = (
    "A futuristic city floating in clouds",
    "A futuristic city floating in clouds",
    "a cyberpunk cat sitting on a neon-lit rooftop",
    "a cyberpunk cat sitting on a neon-lit rooftop",
    "a red apple on a blue background",
    "a robot in a forest",
    "a castle on a mountain at night",
    "an astronaut floating in space",
    "a dog on the beach",
    "two penguins in the snow",
    "a ghost next to a pumpkin at night",
    "a whale under water",
    "a sailboat on the sea at sunset",
    "a dragon in the desert",
    "a blue car in a neon city",
    "a cat in a room",
)
UNSEEN = (
    "a red heart",
    "a blue heart",
    "a blue apple",
    "a green cat",
    "two apples",
    "three dogs",
    "a cat eating pizza",
    "a dog and a cat",
    "aple",
    "elefant",
    "spaceship",
    "flurb",
    "xyzzy qwop",
    "a dragon on a mountain at sunset",
    "🦆",
    "",
)


def judge_of(concepts: list[Concept], sizes: Sizes, work: Path) -> Classifier:
    """Return the scene classifier, training it if it is not in ``work``."""
    return train_classifier(
        playwright_of(concepts),
        work,
        examples=sizes.classifier_examples,
        steps=sizes.classifier_steps,
    )


def judge(folder: Path, concepts: list[Concept], sizes: Sizes, work: Path) -> None:
    """Load the written folder as a user would, log its metrics and write sample sheets."""
    pipeline = StableDiffusionPipeline.from_pretrained(folder, dtype=torch.float32)
    side = side_of(pipeline)
    pictures = np.stack([load_picture(concept, side, side) for concept in concepts])
    log.info("VAE %.2f dB", vae_psnr(pipeline.vae, pictures))
    figures = accuracy(pipeline, concepts)
    log.info("%s", figures)
    log.info("%.2f of the compositions' diversity, of names", name_diversity(pipeline, concepts))
    share, drawn = colour_share(pipeline, concepts)
    log.info("%.2f of unseen colours follow the word", share)
    sheet(drawn, columns=8).save(work / "sheet_colours.png")
    scenes = judge_scenes(pipeline, playwright_of(concepts), judge_of(concepts, sizes, work))
    log.info("%s", scenes)
    sheet(draw(pipeline, [one for one in SENTENCES for _ in range(4)], 7)).save(
        work / "sheet_scenes.png"
    )
    sheet(draw(pipeline, list(UNSEEN), 7), columns=8).save(work / "sheet_unseen.png")
    spread = np.linspace(0, len(concepts) - 1, 128).round().astype(int)
    names = [concepts[i].name for i in spread]
    sheet(draw(pipeline, names, 7)).save(work / "sheet.png")
    seen = pictures[spread[::4]]
    sheet(np.concatenate([seen, restore(pipeline.vae, seen)])).save(work / "sheet_vae.png")

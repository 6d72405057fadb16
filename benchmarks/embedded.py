"""The embedded checkpoint: how well it follows prompts, its size and its speed."""

import logging
import subprocess
import time
from dataclasses import asdict, fields
from pathlib import Path

from benchmarks import Figures
from generation.catalog import EMBEDDED, load_catalog
from generation.embedded import CHECKPOINT
from generation.request import Aspect, Finished, GenerationRequest
from generation.worker.worker import calm_threads

log = logging.getLogger(__name__)

TRAINING_DATA = Path(".training")  # where `make train-embedded` stores it, and finds it again
LABELS = {
    "top1": "share drawn nearest to the picture of its name",
    "top5": "share among the five nearest",
    "names": "names drawn",
    "name_diversity_ratio": "distance between four seeds of a name, in that of four compositions",
    "subject_diversity_ratio": "the same of the names that scenes are made of",
    "scene_subject_top1": "share of scenes whose subject the classifier recognises",
    "scene_background_top1": "share of scenes whose background it recognises",
    "unseen_pairs_top1": "share of subjects recognised on a background never taught with them",
    "diversity_ratio": "distance between four seeds of a caption, in that of four compositions",
    "edge_ratio": "edge energy of drawn scenes, in that of compositions of the same",
    "colour_share": "share of objects in an unseen colour that follow the colour word",
    "vae_psnr_db": "the VAE's reconstructions of the training pictures, dB",
    "size_mb": "generation/embedded, MB",
    "load_s": "loading, s",
    "four_pictures_s": "four pictures at the defaults, s",
}


def run() -> Figures:
    """Measure in this process, with the worker's engine."""
    calm_threads()
    speed = _speed()
    return {**_quality(), **_scenes(), "size_mb": _size_mb(CHECKPOINT.parent), **speed}


def _speed() -> Figures:
    from generation.engine.device import pick_device
    from generation.engine.engine import Engine
    from generation.loading.model_loader import load

    begun = time.perf_counter()
    load(EMBEDDED, pick_device())
    load_s = time.perf_counter() - begun
    engine = Engine(load_catalog())
    if (error := engine.warm_up()) is not None:
        raise error
    width, height = EMBEDDED.size_for(Aspect.SQUARE)
    request = GenerationRequest(
        prompt="a red apple",
        checkpoint=EMBEDDED.name,
        width=width,
        height=height,
        num_inference_steps=EMBEDDED.num_inference_steps,
        guidance_scale=EMBEDDED.guidance_scale,
        sampler=EMBEDDED.sampler,
        seed=1,
        num_images=4,
    )
    engine.add(1, request)
    begun = time.perf_counter()
    events = []
    while not engine.idle:
        events += engine.step()
    four_pictures_s = time.perf_counter() - begun
    assert isinstance(events[-1][1], Finished)
    return {"load_s": round(load_s, 2), "four_pictures_s": round(four_pictures_s, 2)}


def _quality() -> Figures:
    """Draw training names with fixed seeds; the training pictures come from npm if necessary."""
    import numpy as np
    import torch
    from diffusers import StableDiffusionPipeline

    from generation.embedded.recipe.evaluation.evaluate import (
        accuracy,
        colour_share,
        side_of,
        vae_psnr,
    )
    from generation.embedded.recipe.evaluation.scores import name_diversity
    from generation.embedded.recipe.pictures.dataset import (
        fetch,
        learned,
        load_concepts,
        load_picture,
    )
    from generation.embedded.recipe.pictures.subjects import asked_for

    try:
        fetch(TRAINING_DATA)
    except (OSError, subprocess.CalledProcessError) as error:
        log.warning("the training pictures cannot be fetched with npm: %s", error)
        return dict.fromkeys(
            (
                *("top1", "top5", "names", "name_diversity_ratio", "subject_diversity_ratio"),
                *("colour_share", "vae_psnr_db"),
            )
        )
    pipeline = StableDiffusionPipeline.from_pretrained(CHECKPOINT, dtype=torch.float32)
    concepts = learned(CHECKPOINT, load_concepts(TRAINING_DATA))
    found = accuracy(pipeline, concepts)
    share, _ = colour_share(pipeline, concepts)
    side = side_of(pipeline)
    pictures = np.stack([load_picture(concept, side, side) for concept in concepts])
    return {
        "top1": round(found.top1, 4),
        "top5": round(found.top5, 4),
        "names": found.names,
        "name_diversity_ratio": round(name_diversity(pipeline, concepts), 4),
        "subject_diversity_ratio": round(name_diversity(pipeline, asked_for(concepts)), 4),
        "colour_share": round(share, 4),
        "vae_psnr_db": round(vae_psnr(pipeline.vae, pictures), 2),
    }


def _scenes() -> Figures:
    """Draw scenes and score them with the recipe's classifier, trained first if missing."""
    import torch
    from diffusers import StableDiffusionPipeline

    from generation.embedded.recipe.evaluation.classifier import train_classifier
    from generation.embedded.recipe.evaluation.scores import SceneFigures, judge_scenes
    from generation.embedded.recipe.models import Sizes
    from generation.embedded.recipe.pictures.dataset import learned, load_concepts
    from generation.embedded.recipe.scenes.exercises import playwright_of

    if not (TRAINING_DATA / "names").exists():
        return dict.fromkeys(field.name for field in fields(SceneFigures))
    pipeline = StableDiffusionPipeline.from_pretrained(CHECKPOINT, dtype=torch.float32)
    playwright = playwright_of(learned(CHECKPOINT, load_concepts(TRAINING_DATA)))
    sizes = Sizes()
    model = train_classifier(
        playwright,
        TRAINING_DATA,
        examples=sizes.classifier_examples,
        steps=sizes.classifier_steps,
    )
    return asdict(judge_scenes(pipeline, playwright, model))


def _size_mb(folder: Path) -> float:
    files = [file for file in folder.rglob("*") if file.is_file() and file.suffix != ".pyc"]
    return round(sum(file.stat().st_size for file in files) / 1e6, 1)

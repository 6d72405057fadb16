"""What each family's checkpoints are made of, and which files have it. Imports no torch."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from generation.loading.denoisers import words
from generation.loading.model_file import Kind, ModelFile, Part
from generation.loading.safetensors_file import shown
from generation.phrases import Phrase

ASSETS = Path(__file__).parents[1] / "assets"

# A family's models by diffusers' names for them, and the part of a file that each is made from.
COMPONENTS: Mapping[str, Mapping[str, Part]] = {
    "sd1": {"unet": Part.DENOISER, "vae": Part.VAE, "text_encoder": Part.CLIP_L},
    "sd2": {"unet": Part.DENOISER, "vae": Part.VAE, "text_encoder": Part.CLIP_H},
    "sdxl": {
        "unet": Part.DENOISER,
        "vae": Part.VAE,
        "text_encoder": Part.CLIP_L,
        "text_encoder_2": Part.CLIP_G,
    },
    "sd3": {
        "transformer": Part.DENOISER,
        "vae": Part.VAE,
        "text_encoder": Part.CLIP_L,
        "text_encoder_2": Part.CLIP_G,
        "text_encoder_3": Part.T5,
    },
    "flux": {
        "transformer": Part.DENOISER,
        "vae": Part.VAE,
        "text_encoder": Part.CLIP_L,
        "text_encoder_2": Part.T5,
    },
    "z_image": {"transformer": Part.DENOISER, "vae": Part.VAE, "text_encoder": Part.QWEN},
}
OPTIONAL = {"sd3": (Part.T5,)}  # it was trained to draw without
# What differs between schedulers of a family's architectures.
SCHEDULERS: Mapping[str, Mapping[str, Any]] = {
    "flux-schnell": {"shift": 1.0, "use_dynamic_shifting": False}
}
LATENT_CHANNELS = {"sd1": 4, "sd2": 4, "sdxl": 4, "sd3": 16, "flux": 16, "z_image": 16}
# Words in the names of VAEs that have the same shapes and other values.
VAE_WORDS = {
    "sd1": ("mse", "ema", "840000", "sd 1", "sd 15", "kl f 8"),
    "sd2": ("mse", "ema", "840000", "sd 2", "kl f 8"),
    "sdxl": ("sdxl", "xl"),
    "sd3": ("sd 3", "sd 35"),
    "flux": ("ae", "flux"),
    "z_image": ("ae", "flux", "zimage", "z image"),
}


def shipped_config(family: str, component: str) -> dict[str, Any]:
    """Return the configuration of a family's component ("unet", "vae", …) that comes with us."""
    name = "scheduler_config.json" if component == "scheduler" else "config.json"
    return json.loads((ASSETS / family / component / name).read_text("utf-8"))


def missing_parts(file: ModelFile) -> tuple[Part, ...]:
    """Return the parts that a checkpoint of this family needs and this file has not."""
    needed = COMPONENTS.get(file.family or "", {}).values()
    return tuple(part for part in needed if part not in file.parts)


def companions(file: ModelFile, others: Iterable[ModelFile]) -> dict[Part, Path]:
    """Return files that have the parts that ``file`` lacks, the likeliest of each kind.

    A VAE is chosen by its latents' channels and its name, since those of several families look
    alike; a text encoder by what it is, the largest precision first.
    """
    others = [one for one in others if one.problem is None and one.path != file.path]
    found = {}
    for part in missing_parts(file):
        if part is Part.VAE:
            best = _vae(file.family or "", others)
        else:
            best = max((one for one in others if _is_alone(one, part)), key=_rank, default=None)
        if best is not None:
            found[part] = best.path
    return found


def lacks(file: ModelFile, found: Mapping[Part, Path]) -> Phrase | None:
    """Return which parts neither the file nor what was ``found`` beside it has; None if whole."""
    optional: Sequence[Part] = OPTIONAL.get(file.family or "", ())
    lost = [part for part in missing_parts(file) if part not in found and part not in optional]
    if not lost:
        return None
    names = tuple(str(part) for part in lost)
    return Phrase("checkpoint-parts", file=shown(file.path.name), names=names)


def _is_alone(file: ModelFile, part: Part) -> bool:
    return file.kind is Kind.TEXT_ENCODER and part in file.parts


def _rank(file: ModelFile) -> tuple[int, str]:
    return file.bytes, file.path.name


def _vae(family: str, others: Iterable[ModelFile]) -> ModelFile | None:
    fitting = [
        one
        for one in others
        if one.kind is Kind.VAE and one.in_channels == LATENT_CHANNELS.get(family)
    ]

    def likely(one: ModelFile) -> tuple[bool, bool, str]:
        name = f" {words(one.path.stem)} {words(one.title)} "
        mine = any(f" {word} " in name for word in VAE_WORDS.get(family, ()))
        theirs = any(
            f" {word} " in name
            for other, listed in VAE_WORDS.items()
            for word in listed
            if word not in VAE_WORDS.get(family, ())
        )
        return mine, not theirs, one.path.name

    # SD 1 and 2 share theirs with nobody, and another family's is noise.
    return max(
        (one for one in fitting if likely(one)[0] or likely(one)[1]), key=likely, default=None
    )

"""The model families that can be drawn with, and what is known of each without torch.

A family is one model architecture. Its facts are here, for the bot's process too, and how it
encodes, predicts and decodes is the class that `Architecture.family` names.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum


class Sampler(StrEnum):
    """The names people choose for a noise scheduler."""

    DDIM = "DDIM"
    EULER = "Euler"
    EULER_A = "Euler a"
    DPMPP_2M = "DPM++ 2M"
    DPMPP_2M_KARRAS = "DPM++ 2M Karras"
    DPMPP_2M_SDE_KARRAS = "DPM++ 2M SDE Karras"
    UNIPC = "UniPC"
    PNDM = "PNDM"
    HEUN = "Heun"
    LCM = "LCM"
    TCD = "TCD"


# What they draw with a checkpoint that was not distilled for them is noise.
DISTILLED = frozenset((Sampler.LCM, Sampler.TCD))


@dataclass(frozen=True, slots=True)
class Component:
    """One component's folder, its configuration file, and its weights without suffix."""

    folder: str
    config: str
    weights: str | None = None


def _diffusers(folder: str) -> Component:
    return Component(folder, "config.json", "diffusion_pytorch_model")


def _transformers(folder: str) -> Component:
    return Component(folder, "config.json", "model")


def _tokenizer(folder: str) -> Component:
    return Component(folder, "tokenizer_config.json")


SCHEDULER = Component("scheduler", "scheduler_config.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """A family's facts.

    ``family`` is the class that draws, as "module:name". ``pipelines`` are the names that a
    folder's model_index.json has for it, ``components`` the folders beside that, the denoiser's
    first; those in ``optional`` may all be missing. ``told_by`` is an entry of the denoiser's
    configuration, where families share a pipeline. ``size`` is the side in pixels of a square
    picture as it was trained, ``buckets`` are the (width, height) that it was trained on at that
    size; other sizes have sides in multiples of ``side_multiple``. ``row_cost`` is what a pixel of
    a row takes in a forward pass, relative to Stable Diffusion 1. ``sampler``,
    ``num_inference_steps`` and ``guidance_scale`` are what a checkpoint gets unless its own
    settings differ. Without ``classifier_free`` guidance is an input of the model and takes no
    second row. With ``flow_matching``, strength rounds the steps that a source picture takes up.
    """

    name: str
    title: str
    family: str
    pipelines: tuple[str, ...]
    components: tuple[Component, ...]
    size: int
    optional: tuple[str, ...] = ()
    told_by: tuple[str, object] | None = None
    side_multiple: int = 8
    buckets: tuple[tuple[int, int], ...] = ()
    row_cost: float = 1.0
    samplers: tuple[Sampler, ...] = tuple(Sampler)
    sampler: Sampler = Sampler.DPMPP_2M_KARRAS
    num_inference_steps: int = 25
    guidance_scale: float = 7.5
    prediction_types: tuple[str, ...] = ("epsilon", "v_prediction")
    classifier_free: bool = True
    flow_matching: bool = False

    def size_for(self, ratio: float, size: int) -> tuple[int, int]:
        """Return the (width, height) in pixels closest to a shape at about ``size``² pixels."""
        if self.buckets and size == self.size:
            return min(self.buckets, key=lambda one: abs(math.log(one[0] / one[1] / ratio)))
        root = ratio**0.5
        return self._side(size * root), self._side(size / root)

    def _side(self, length: float) -> int:
        return self.side_multiple * max(1, round(length / self.side_multiple))


_STABLE_DIFFUSION = (
    _diffusers("unet"),
    _diffusers("vae"),
    _transformers("text_encoder"),
    _tokenizer("tokenizer"),
    SCHEDULER,
)

SD1 = Architecture(
    name="sd1",
    title="Stable Diffusion 1",
    family="generation.families.stable_diffusion:StableDiffusion",
    pipelines=(
        "StableDiffusionPipeline",
        "LatentConsistencyModelPipeline",
        "StableDiffusionInpaintPipeline",
    ),
    components=_STABLE_DIFFUSION,
    size=512,
)
SD2 = Architecture(
    name="sd2",
    title="Stable Diffusion 2",
    family="generation.families.stable_diffusion:StableDiffusion",
    pipelines=("StableDiffusionPipeline", "StableDiffusionInpaintPipeline"),
    components=_STABLE_DIFFUSION,
    told_by=("use_linear_projection", True),
    size=768,
)
SDXL = Architecture(
    name="sdxl",
    title="Stable Diffusion XL",
    family="generation.families.sdxl:StableDiffusionXL",
    pipelines=("StableDiffusionXLPipeline", "StableDiffusionXLInpaintPipeline"),
    components=(
        _diffusers("unet"),
        _diffusers("vae"),
        _transformers("text_encoder"),
        _transformers("text_encoder_2"),
        _tokenizer("tokenizer"),
        _tokenizer("tokenizer_2"),
        SCHEDULER,
    ),
    size=1024,
    side_multiple=64,
    # Those of the shapes it was trained on (Podell et al. 2023, appendix I) that people choose.
    buckets=(
        (1024, 1024),
        *((1152, 896), (896, 1152)),
        *((1216, 832), (832, 1216)),
        *((1344, 768), (768, 1344)),
        *((1536, 640), (640, 1536)),
    ),
    row_cost=2.1,
    guidance_scale=6.0,
)

_FLOW_SAMPLERS = (Sampler.EULER, Sampler.HEUN, Sampler.DPMPP_2M, Sampler.UNIPC, Sampler.LCM)
_TRANSFORMER = (
    _diffusers("transformer"),
    _diffusers("vae"),
    _transformers("text_encoder"),
    _tokenizer("tokenizer"),
    SCHEDULER,
)
_TWO_ENCODERS = (*_TRANSFORMER, _transformers("text_encoder_2"), _tokenizer("tokenizer_2"))

SD3 = Architecture(
    name="sd3",
    title="Stable Diffusion 3",
    family="generation.families.sd3:SD3",
    pipelines=("StableDiffusion3Pipeline",),
    components=(*_TWO_ENCODERS, _transformers("text_encoder_3"), _tokenizer("tokenizer_3")),
    optional=("text_encoder_3", "tokenizer_3"),
    told_by=("num_layers", 24),
    size=1024,
    side_multiple=16,
    row_cost=3.5,
    samplers=_FLOW_SAMPLERS,
    sampler=Sampler.EULER,
    num_inference_steps=40,
    guidance_scale=4.5,
    prediction_types=("flow",),
    flow_matching=True,
)
SD3_LARGE = replace(
    SD3,
    name="sd3-large",
    title="Stable Diffusion 3.5 Large",
    told_by=("num_layers", 38),
    row_cost=9.7,
    num_inference_steps=28,
    guidance_scale=3.5,
)
FLUX = replace(
    SD3,
    name="flux",
    title="Flux",
    family="generation.families.flux:Flux",
    pipelines=("FluxPipeline",),
    components=_TWO_ENCODERS,
    optional=(),
    told_by=("guidance_embeds", True),
    row_cost=23.0,
    num_inference_steps=28,
    guidance_scale=3.5,
    classifier_free=False,
)
FLUX_SCHNELL = replace(
    FLUX,
    name="flux-schnell",
    title="Flux Schnell",
    told_by=("guidance_embeds", False),
    row_cost=22.0,
    num_inference_steps=4,
    guidance_scale=1.0,
    classifier_free=True,
)
Z_IMAGE = replace(
    SD3,
    name="z-image",
    title="Z-Image",
    family="generation.families.z_image:ZImage",
    pipelines=("ZImagePipeline",),
    components=_TRANSFORMER,
    optional=(),
    told_by=None,
    row_cost=17.5,
    num_inference_steps=8,
    guidance_scale=1.0,
)
ARCHITECTURES: Mapping[str, Architecture] = {
    one.name: one for one in (SD1, SD2, SDXL, SD3, SD3_LARGE, FLUX, FLUX_SCHNELL, Z_IMAGE)
}


def architecture_of(pipeline: str, denoiser: Mapping[str, object]) -> Architecture | None:
    """Return the architecture of a folder by its pipeline and its denoiser's configuration."""
    found = [one for one in ARCHITECTURES.values() if pipeline in one.pipelines]
    told = [one for one in found if one.told_by is not None and one.told_by in denoiser.items()]
    return next(iter([*told, *found]), None)

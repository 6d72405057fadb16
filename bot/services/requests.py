"""From what a person said to a full request: what was left out comes from the checkpoint."""

import secrets
from dataclasses import dataclass, replace

from generation.catalog import Catalog
from generation.request import SEED, Aspect, GenerationRequest, Sampler

DEFAULT_COUNT = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """The options of /imagine as they were given; None is left to the checkpoint, or to chance."""

    prompt: str
    negative_prompt: str = ""
    aspect: Aspect = Aspect.SQUARE
    count: int = DEFAULT_COUNT
    steps: int | None = None
    guidance_scale: float | None = None
    seed: int | None = None
    sampler: Sampler | None = None
    checkpoint: str | None = None


def compose(catalog: Catalog, wish: Wish) -> GenerationRequest:
    """Fill the gaps; raises InvalidRequest or CheckpointUnavailable."""
    checkpoint = catalog[wish.checkpoint or catalog.default]
    width, height = checkpoint.size_for(wish.aspect)
    return GenerationRequest(
        prompt=wish.prompt.strip(),
        negative_prompt=wish.negative_prompt.strip(),
        checkpoint=checkpoint.name,
        width=width,
        height=height,
        num_images=wish.count,
        num_inference_steps=wish.steps
        if wish.steps is not None
        else checkpoint.num_inference_steps,
        guidance_scale=wish.guidance_scale
        if wish.guidance_scale is not None
        else checkpoint.guidance_scale,
        sampler=wish.sampler or checkpoint.sampler,
        seed=wish.seed if wish.seed is not None else new_seed(),
    )


def reroll(request: GenerationRequest) -> GenerationRequest:
    """Return the same wish with new seeds."""
    return replace(request, seed=new_seed())


def single(request: GenerationRequest, index: int) -> GenerationRequest:
    """Return the request that draws picture ``index`` of this one alone."""
    return replace(request, num_images=1, seed=request.seed + index)


def new_seed() -> int:
    """Return a seed nobody can guess from the last one."""
    return secrets.randbelow(SEED[1] + 1 - DEFAULT_COUNT)

"""From what a person said to a full request: what was left out comes from the checkpoint."""

import math
import secrets
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar

from bot.store.records import Draft, Kind, Words
from bot.texts import say
from bot.texts.inert import inert, inert_list
from generation.catalog import Catalog
from generation.errors import InvalidRequest
from generation.request import SEED, Aspect, GenerationRequest, Sampler
from generation.styles import NO_STYLE, Style

DEFAULT_COUNT = 4
DEFAULT_STRENGTH = 0.75  # of /imagine with an image: its composition stays, the rest is redrawn
VARIATION_STRENGTH = 0.6

Name = TypeVar("Name", bound=StrEnum)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """The options of /imagine as they were given; None is left to the checkpoint, or to chance."""

    prompt: str
    negative_prompt: str = ""
    aspect: str | None = None
    count: int | None = None
    steps: int | None = None
    guidance_scale: float | None = None
    seed: int | None = None
    sampler: str | None = None
    checkpoint: str | None = None
    style: str | None = None
    strength: float | None = None


def compose(catalog: Catalog, wish: Wish) -> GenerationRequest:
    """Fill the gaps and lay the style over it; raises InvalidRequest or CheckpointUnavailable."""
    style = style_of(catalog, wish.style)
    checkpoint = catalog[wish.checkpoint or _default(catalog, style)]
    prompt, negative_prompt = wish.prompt.strip(), wish.negative_prompt.strip()
    if style is not None:
        if not style.fits(checkpoint.name):
            raise InvalidRequest("style", _fitting(catalog, checkpoint.name))
        if prompt:  # the style's words alone are nobody's wish
            prompt, negative_prompt = style.apply(prompt, negative_prompt)
    sampler = _one_of(Sampler, "sampler", wish.sampler or checkpoint.sampler)
    if sampler not in checkpoint.samplers:
        names = inert_list(checkpoint.samplers)
        raise InvalidRequest("sampler", say("bound-one-of-here", names=names))
    width, height = checkpoint.size_for(_one_of(Aspect, "aspect", wish.aspect or Aspect.SQUARE))
    return GenerationRequest(
        prompt=prompt,
        negative_prompt=negative_prompt,
        checkpoint=checkpoint.name,
        width=width,
        height=height,
        num_images=wish.count if wish.count is not None else DEFAULT_COUNT,
        num_inference_steps=wish.steps
        if wish.steps is not None
        else checkpoint.num_inference_steps,
        guidance_scale=wish.guidance_scale
        if wish.guidance_scale is not None
        else checkpoint.guidance_scale,
        sampler=sampler,
        seed=wish.seed if wish.seed is not None else new_seed(),
        strength=wish.strength,
    )


def draft(catalog: Catalog, kind: Kind, wish: Wish) -> Draft:
    """Return what is to be recorded of a wish; raises as `compose` does."""
    request, style = compose(catalog, wish), catalog.style(wish.style)
    if style is None:
        return Draft(kind=kind, request=request)
    typed = Words(wish.prompt.strip(), wish.negative_prompt.strip())
    return Draft(kind=kind, request=request, style=style.name, typed=typed)


def reroll(request: GenerationRequest) -> GenerationRequest:
    """Return the same wish with new seeds."""
    return replace(request, seed=new_seed())


def variation(
    request: GenerationRequest,
    strength: float = VARIATION_STRENGTH,
    count: int = DEFAULT_COUNT,
) -> GenerationRequest:
    """Return the request that draws one of its pictures anew, from that picture."""
    # At least one step must be taken, and there may be few.
    least = math.ceil(100 / request.num_inference_steps) / 100
    return replace(request, num_images=count, seed=new_seed(), strength=max(strength, least))


def single(request: GenerationRequest, index: int) -> GenerationRequest:
    """Return the request that draws picture ``index`` of this one alone."""
    return replace(request, num_images=1, seed=request.seed + index)


def new_seed() -> int:
    """Return a seed nobody can guess from the last one."""
    return secrets.randbelow(SEED[1] + 1 - DEFAULT_COUNT)


def style_of(catalog: Catalog, name: str | None) -> Style | None:
    """Return the style of a name, None for none; raises InvalidRequest, which has the names."""
    try:
        return catalog.style(name)
    except InvalidRequest as error:
        names = inert_list((*catalog.style_names, NO_STYLE))
        raise InvalidRequest(error.field, say("bound-one-of", names=names)) from error


def _default(catalog: Catalog, style: Style | None) -> str:
    """Return the default checkpoint, or the first that the style fits where it does not fit it."""
    if style is None or style.fits(catalog.default):
        return catalog.default
    listed = [name for name in style.checkpoints if name in catalog.names]
    return (listed or style.checkpoints)[0]


def _fitting(catalog: Catalog, checkpoint: str) -> str:
    fitting = [name for name in catalog.style_names if catalog.styles[name].fits(checkpoint)]
    names = inert_list((*fitting, NO_STYLE))
    return say("bound-one-of-with", names=names, checkpoint=inert(checkpoint))


def _one_of(names: type[Name], field: str, given: str) -> Name:
    try:
        return names(given)
    except ValueError:
        raise InvalidRequest(field, say("bound-one-of", names=inert_list(names))) from None

"""A job made anew with changes: a form filled in with what it was, and what comes back."""

import math
from dataclasses import dataclass, replace

from bot.services.filling import complete_alike
from bot.services.parameters import guidance, whole, wishes_of
from bot.services.permutations import escape
from bot.services.requests import Wish, draft
from bot.store.defaults import Defaults
from bot.store.records import Draft, Kind, Words
from bot.store.rules import Rules
from bot.texts import say
from generation.catalog import Catalog
from generation.errors import InvalidRequest
from generation.request import SEED, STEPS, Aspect, GenerationRequest
from generation.styles import NO_STYLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What stands in the form, as text; a number left out is up to defaults, or to chance."""

    prompt: str
    negative_prompt: str = ""
    seed: str = ""
    guidance_scale: str = ""
    steps: str = ""


def form_of(catalog: Catalog, parent: Draft) -> Form:
    """Return the form that, sent back as it is, asks for the same pictures.

    It holds the words without their style, which is laid over them again, while there is such.
    """
    request, words = parent.request, _unstyled(catalog, parent)
    return Form(
        prompt=escape(words.prompt),
        negative_prompt=words.negative_prompt,
        seed=str(request.seed),
        guidance_scale=f"{request.guidance_scale:.6f}".rstrip("0").rstrip("."),
        steps=str(request.num_inference_steps),
    )


def remix(catalog: Catalog, parent: Draft, form: Form, mine: Defaults, rules: Rules) -> Draft:
    """Lay what was sent back over the job that it was filled in from.

    Numbers that were left out are the person's own, then the place's. The prompt may carry
    parameters, which hold where the form says something else. Raises InvalidRequest, naming the
    field and its bound, UnknownParameter or CheckpointUnavailable.
    """
    request = parent.request
    wish = Wish(
        prompt=form.prompt,
        negative_prompt=form.negative_prompt,
        aspect=_nearest_aspect(request),
        count=request.num_images,
        steps=whole(STEPS)("steps", form.steps.strip()) if form.steps.strip() else None,
        guidance_scale=guidance("guidance", form.guidance_scale.strip())
        if form.guidance_scale.strip()
        else None,
        seed=whole(SEED)("seed", form.seed.strip()) if form.seed.strip() else None,
        sampler=request.sampler,
        checkpoint=request.checkpoint,
        style=parent.style if parent.style in catalog.styles else NO_STYLE,
        strength=request.strength,
    )
    wishes = wishes_of(wish, catalog)
    if len(wishes) > 1:
        raise InvalidRequest("prompt", say("bound-one-prompt"))
    made = draft(catalog, Kind.REMIX, complete_alike(catalog, wishes[0], mine, rules))
    if (wishes[0].aspect, wishes[0].checkpoint) == (wish.aspect, wish.checkpoint):
        same_size = replace(made.request, width=request.width, height=request.height)
        return replace(made, request=same_size)
    return made


def _unstyled(catalog: Catalog, parent: Draft) -> Words:
    if parent.style is None or parent.style in catalog.styles:
        return parent.words
    return Words(parent.request.prompt, parent.request.negative_prompt)


def _nearest_aspect(request: GenerationRequest) -> Aspect:
    ratio = math.log(request.width / request.height)
    return min(Aspect, key=lambda aspect: abs(math.log(aspect.ratio) - ratio))

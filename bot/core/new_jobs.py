"""Making new jobs: from a person's options, and from earlier requests."""

import math
from collections.abc import Sequence
from dataclasses import replace

from bot.db.records import Kind, NewJob, Words
from bot.options.image_options import ImageOptions
from bot.options.registry import OPTIONS
from bot.options.resolve import request_of
from bot.options.values import new_seed
from generation.catalog import Catalog
from generation.controls import ReferenceKind
from generation.request import GenerationRequest

DEFAULT_COUNT: int = OPTIONS["count"].default
DEFAULT_STRENGTH = 0.75  # of /imagine with an image: keeps its composition, redraws the rest
DEFAULT_REFERENCE_WEIGHT = 0.7  # at 1 the prompt hardly counts
VARIATION_STRENGTH = 0.6


def new_job_of(catalog: Catalog, kind: Kind, said: ImageOptions) -> NewJob:
    """Return the new job for these options; raises as `request_of` does."""
    request, style = request_of(catalog, said), catalog.style(said.get("style"))
    left_out = ", ".join(said.left_out) or None
    if style is None:
        return NewJob(kind=kind, request=request, left_out=left_out)
    typed = Words(said.prompt.strip(), said.negative_prompt.strip())
    return NewJob(kind=kind, request=request, style=style.name, typed=typed, left_out=left_out)


def with_references(
    catalog: Catalog, kind: Kind, said: ImageOptions, kinds: Sequence[ReferenceKind | None]
) -> NewJob:
    """Return the new job for these options with a reference of each kind, None as they say.

    All have the same weight. Raises as `request_of` does.
    """
    if not kinds:
        return new_job_of(catalog, kind, said)
    said = said.over({"reference_weight": DEFAULT_REFERENCE_WEIGHT})
    if kinds[0] is not None:
        said = said.but(reference_kind=kinds[0])
    new_job = new_job_of(catalog, kind, said)
    (first,) = new_job.request.references
    others = tuple(first if one is None else first._replace(kind=one.value) for one in kinds[1:])
    return replace(new_job, request=replace(new_job.request, references=(first, *others)))


def reroll(request: GenerationRequest) -> GenerationRequest:
    """Return the same request with new seeds."""
    return replace(request, seed=new_seed())


def variation(
    request: GenerationRequest,
    strength: float = VARIATION_STRENGTH,
    count: int = DEFAULT_COUNT,
) -> GenerationRequest:
    """Return a request for variations of one of its pictures."""
    # At least one step must be taken, even of few.
    least = math.ceil(100 / request.num_inference_steps) / 100
    return replace(request, num_images=count, seed=new_seed(), strength=max(strength, least))


def single(request: GenerationRequest, index: int) -> GenerationRequest:
    """Return the request for picture ``index`` of this one alone."""
    return replace(request, num_images=1, seed=request.seed + index)

"""Remixing: a form filled in with a job's options, and the request made from it."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from bot.core.new_jobs import with_references
from bot.db.records import Kind, NewJob, Words
from bot.options.adapters.asked import brought
from bot.options.arguments import all_said
from bot.options.describe import options_of
from bot.options.image_options import ImageOptions
from bot.options.permutations import escape
from bot.options.registry import in_forms
from bot.options.resolve import Layers, complete_alike
from bot.options.values import Prompt
from bot.texts import say
from generation.catalog import Catalog
from generation.controls import ReferenceKind
from generation.errors import InvalidRequest
from generation.prompts.adapters import written
from generation.request import Aspect
from generation.styles import NO_STYLE


def form_of(catalog: Catalog, parent: NewJob) -> dict[str, str]:
    """Return a form's texts, by field; sent back unchanged they give the same pictures.

    The prompt is shown without its style, which is applied again if it still exists.
    """
    words = _unstyled(catalog, parent)
    tags = _written(catalog, parent)
    said = options_of(parent).but(
        prompt=escape(" ".join(filter(None, (words.prompt, tags)))),
        negative_prompt=words.negative_prompt,
    )
    return {
        option.field: option.value.write(said[option.field]) if option.field in said else ""
        for option in in_forms()
    }


def remix(
    catalog: Catalog,
    parent: NewJob,
    form: Mapping[str, str],
    layers: Layers,
    changes: Mapping[str, Any] = MappingProxyType({}),
) -> NewJob:
    """Apply a submitted form, and changes of other options, to the job it was filled in from.

    Numbers left out fall back to the person's defaults, then the place's. The prompt may contain
    parameters; the form's own fields take precedence. Raises InvalidRequest, naming the field and
    its limit, UnknownParameter or CheckpointUnavailable.
    """
    request = parent.request
    said = options_of(parent).but(
        aspect=Aspect.nearest(request.width / request.height),
        style=parent.style if parent.style in catalog.styles else NO_STYLE,
        lora=None,  # the prompt has them
        **{**_read({**_words_of(catalog, parent), **form}), **changes},
    )
    jobs = all_said(said, catalog)
    if len(jobs) > 1:
        raise InvalidRequest("prompt", say("bound-one-prompt"))
    one = _brought_anew(catalog, parent, jobs[0])
    kinds = [None, *(ReferenceKind(one.kind) for one in request.references[1:])]
    kinds = kinds if "reference_weight" in one else []
    made = with_references(catalog, Kind.REMIX, complete_alike(catalog, one, layers), kinds)
    if all(one.get(field) == said.get(field) for field in ("aspect", "checkpoint")):
        same_size = replace(made.request, width=request.width, height=request.height)
        return replace(made, request=same_size)
    return made


def _brought_anew(catalog: Catalog, parent: NewJob, said: ImageOptions) -> ImageOptions:
    """Return a remix without what it has of its parent only for LoRAs that are others now."""
    earlier = options_of(parent)
    checkpoint = catalog[said["checkpoint"]]
    before, after = (brought(catalog, one, checkpoint) for one in (earlier, said))
    if before == after:
        return said
    kept = {*before, *after} & {field for field in said if said[field] == earlier.get(field)}
    return said.but(**dict.fromkeys(kept))


def _written(catalog: Catalog, parent: NewJob) -> str:
    """Return the LoRAs that the style does not bring, as they stand in prompts."""
    style = catalog.styles.get(parent.style or "")
    styled = style.adapters if style else ()
    return " ".join(written(use) for use in parent.request.adapters if use not in styled)


def _words_of(catalog: Catalog, parent: NewJob) -> dict[str, str]:
    """Return the prompts of a form, which asks only for those that it can hold."""
    prompts = (one.field for one in in_forms() if isinstance(one.value, Prompt))
    filled = form_of(catalog, parent)
    return {field: filled[field] for field in prompts}


def _read(form: Mapping[str, str]) -> dict[str, object]:
    """Return the values in a form's texts; missing or blank ones are left out."""
    read: dict[str, object] = {}
    for option in in_forms():
        text = form.get(option.field, "")
        if isinstance(option.value, Prompt):
            read[option.field] = text
        else:
            # Named like the labels of the inputs.
            read[option.field] = (
                option.value.read(option.key, text.strip()) if text.strip() else None
            )
    return read


def _unstyled(catalog: Catalog, parent: NewJob) -> Words:
    if parent.style is None or parent.style in catalog.styles:
        return parent.words
    return Words(parent.request.prompt, parent.request.negative_prompt)

"""A job made anew with changes: a form filled in with what it was, and what comes back."""

from collections.abc import Mapping
from dataclasses import replace

from bot.core.new_jobs import new_job_of
from bot.db.records import Kind, NewJob, Words
from bot.options.arguments import all_said
from bot.options.describe import options_of
from bot.options.permutations import escape
from bot.options.registry import in_forms
from bot.options.resolve import Layers, complete_alike
from bot.options.values import Prompt, nearest_shape
from bot.texts import say
from generation.catalog import Catalog
from generation.errors import InvalidRequest
from generation.styles import NO_STYLE


def form_of(catalog: Catalog, parent: NewJob) -> dict[str, str]:
    """Return a form's texts, by field, that sent back as they are ask for the same pictures.

    They hold the words without their style, which is laid over them again, while there is such.
    """
    words = _unstyled(catalog, parent)
    said = options_of(parent).but(
        prompt=escape(words.prompt), negative_prompt=words.negative_prompt
    )
    return {
        option.field: option.value.write(said[option.field]) if option.field in said else ""
        for option in in_forms()
    }


def remix(catalog: Catalog, parent: NewJob, form: Mapping[str, str], layers: Layers) -> NewJob:
    """Lay what was sent back over the job that it was filled in from.

    Numbers that were left out are the person's own, then the place's. The prompt may carry
    parameters, which hold where the form says something else. Raises InvalidRequest, naming the
    field and its bound, UnknownParameter or CheckpointUnavailable.
    """
    request = parent.request
    said = options_of(parent).but(
        aspect=nearest_shape(request.width / request.height),
        style=parent.style if parent.style in catalog.styles else NO_STYLE,
        **_read(form),
    )
    jobs = all_said(said, catalog)
    if len(jobs) > 1:
        raise InvalidRequest("prompt", say("bound-one-prompt"))
    made = new_job_of(catalog, Kind.REMIX, complete_alike(catalog, jobs[0], layers))
    if all(jobs[0].get(field) == said.get(field) for field in ("aspect", "checkpoint")):
        same_size = replace(made.request, width=request.width, height=request.height)
        return replace(made, request=same_size)
    return made


def _read(form: Mapping[str, str]) -> dict[str, object]:
    """Return the values in a form's texts; what is missing or blank says nothing."""
    read: dict[str, object] = {}
    for option in in_forms():
        text = form.get(option.field, "")
        if isinstance(option.value, Prompt):
            read[option.field] = text
        else:
            # Named as the texts above the inputs do.
            read[option.field] = (
                option.value.read(option.key, text.strip()) if text.strip() else None
            )
    return read


def _unstyled(catalog: Catalog, parent: NewJob) -> Words:
    if parent.style is None or parent.style in catalog.styles:
        return parent.words
    return Words(parent.request.prompt, parent.request.negative_prompt)

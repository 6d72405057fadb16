"""Displaying and exporting a job's options; nothing here talks to Discord."""

from collections.abc import Mapping
from typing import Any, Protocol

from bot.options.controls import written
from bot.options.image_options import ImageOptions
from bot.options.registry import OPTIONS, Layer, Option, Shown, as_shown
from bot.texts import say
from generation.catalog import Checkpoint
from generation.controls import ReferenceKind
from generation.metadata.infotext import Parameters
from generation.request import GenerationRequest

SIZE = "aspect"  # shown as the resulting size in pixels


class Prompts(Protocol):
    """The prompts as typed."""

    @property
    def prompt(self) -> str:
        """The prompt."""

    @property
    def negative_prompt(self) -> str:
        """The negative prompt."""


class Described(Protocol):
    """A job, as far as its options go."""

    @property
    def request(self) -> GenerationRequest:
        """The complete request."""

    @property
    def words(self) -> Prompts:
        """The prompts as typed, without the style."""

    @property
    def style(self) -> str | None:
        """The style's name."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of its pictures, in pixels."""


def options_of(job: Described) -> ImageOptions:
    """Return the options that would give a job's pictures, except for their size."""
    requested = {
        option.field: option.value.of_request(getattr(job.request, option.request))
        for option in OPTIONS.values()
        if option.request is not None
    }
    words = job.words
    return ImageOptions(
        requested | _steering(job.request),
        prompt=words.prompt,
        negative_prompt=words.negative_prompt,
        style=job.style,
    )


def _steering(request: GenerationRequest) -> dict[str, Any]:
    """Return the options that a request's controls and its first reference come from."""
    said: dict[str, Any] = written(request.controls) if request.controls else {}
    for reference in request.references[:1]:
        said["reference_weight"] = reference.weight
        if reference.kind != ReferenceKind.SUBJECT:
            said["reference_kind"] = ReferenceKind(reference.kind)
    return said


def line(job: Described) -> list[str]:
    """Return the parts of the line below a job's pictures, with markup escaped."""
    said = options_of(job)
    parts = []
    for option in as_shown():
        if Shown.LINE not in option.shown:
            continue
        if option.field == SIZE:
            parts.append("×".join(map(str, job.size)))
        elif option.field in said:
            parts.append(_part(option, said[option.field]))
    return parts


def parameters(job: Described, size: str) -> dict[str, str]:
    """Return a job's options for Details, by name; people's texts are not escaped.

    ``size`` is its size as text.
    """
    said = options_of(job)
    return {
        say(f"parameter.{option.key}"): size
        if option.field == SIZE
        else option.value.show(said[option.field])
        for option in as_shown()
        if Shown.DETAILS in option.shown and (option.field == SIZE or option.field in said)
    }


def columns() -> tuple[str, ...]:
    """Return the CSV columns of options."""
    return tuple(_cells({option.field: option.column for option in as_shown()}, "width", "height"))


def cells(job: Described) -> tuple[str | int | float | None, ...]:
    """Return a job's cells for these columns."""
    said = {field: OPTIONS[field].value.cell(value) for field, value in options_of(job).items()}
    return tuple(_cells(said, *job.size))


def exported(job: Described) -> dict[str, Any]:
    """Return a job's options by field, for a person's data export."""
    said = options_of(job)
    return {
        one.field: one.value.cell(said[one.field]) if one.field in said else None
        for one in OPTIONS.values()
        if one.column is not None
    }


def of_file(found: Parameters) -> dict[str, Any]:
    """Return a picture file's metadata by field; missing ones are None."""
    size = f"{found.width}:{found.height}" if found.width and found.height else None
    return {
        option.field: size if option.field == SIZE else _in_file(found, option.file)
        for option in as_shown()
        if option.file is not None
    }


def labelled(found: Parameters) -> dict[str, str | None]:
    """Return a picture file's metadata by label, unchanged; without the model."""
    said = of_file(found)
    if said[SIZE] is not None:
        said[SIZE] = f"{found.width}×{found.height}"
    return {
        say(f"parameter.{OPTIONS[field].key}"): None if value is None else _as_read(value)
        for field, value in said.items()
        if OPTIONS[field].file != "model"
    }


def others(found: Parameters) -> dict[str, str]:
    """Return a picture file's other metadata, under its own names."""
    ours = {option.file for option in OPTIONS.values()}
    return {name: value for name, value in found.other.items() if name not in ours}


def own_settings(checkpoint: Checkpoint) -> dict[str, str | float]:
    """Return a checkpoint's own defaults as message arguments, by key."""
    return {
        option.key: option.value.said(getattr(checkpoint, option.request))
        for option in OPTIONS.values()
        if option.request is not None and Layer.CHECKPOINT in option.layers
    }


def _in_file(found: Parameters, name: str) -> Any:  # noqa: ANN401
    """Return a field of a file's metadata, or the text under a key without a field."""
    return getattr(found, name) if hasattr(found, name) else found.other.get(name)


def _as_read(value: Any) -> str:  # noqa: ANN401
    return f"{value:g}" if isinstance(value, float) else str(value)


def _part(option: Option, value: Any) -> str:  # noqa: ANN401
    said = option.value.said(value)
    return str(said) if option.bare else say(f"settings-{option.key}", **{option.key: said})


def _cells(by_field: Mapping[str, Any], width: Any, height: Any) -> list[Any]:  # noqa: ANN401
    found = []
    for option in as_shown():
        if option.field == SIZE:
            found += [width, height]
        elif option.column is not None:
            found.append(by_field.get(option.field))
    return found

"""A job's options as they are shown and exported; nothing here talks to Discord."""

from collections.abc import Mapping
from typing import Any, Protocol

from bot.options.image_options import ImageOptions
from bot.options.registry import OPTIONS, Layer, Option, Shown, as_shown
from bot.texts import say
from generation.catalog import Checkpoint
from generation.metadata.infotext import Parameters
from generation.request import GenerationRequest

SIZE = "aspect"  # is shown as the pixels that it came to


class Prompts(Protocol):
    """What a person typed."""

    @property
    def prompt(self) -> str:
        """What to draw."""

    @property
    def negative_prompt(self) -> str:
        """What to keep out."""


class Described(Protocol):
    """What a job has of options."""

    @property
    def request(self) -> GenerationRequest:
        """What is drawn."""

    @property
    def words(self) -> Prompts:
        """What was typed, without the style."""

    @property
    def style(self) -> str | None:
        """The style's name."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of its pictures in pixels."""


def options_of(job: Described) -> ImageOptions:
    """Return what somebody would say to have a job's pictures drawn, but for their size."""
    requested = {
        option.field: getattr(job.request, option.request)
        for option in OPTIONS.values()
        if option.request is not None
    }
    words = job.words
    return ImageOptions(
        requested,
        prompt=words.prompt,
        negative_prompt=words.negative_prompt,
        style=job.style,
    )


def line(job: Described) -> list[str]:
    """Return the parts of the line below a job's pictures; nothing in them is markup."""
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
    """Return what Details says of a job by its name; what people wrote is as they wrote it.

    ``size`` is its size in words.
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
    """Return the columns of CSV that are made of options."""
    return tuple(_cells({option.field: option.column for option in as_shown()}, "width", "height"))


def cells(job: Described) -> tuple[str | int | float | None, ...]:
    """Return a job's cells for these columns."""
    return tuple(_cells(options_of(job), *job.size))


def exported(job: Described) -> dict[str, Any]:
    """Return a job's options by field, for whoever asks what is kept about them."""
    said = options_of(job)
    kept = (one.field for one in OPTIONS.values() if one.column is not None)
    return {field: said.get(field) for field in kept}


def of_file(found: Parameters) -> dict[str, Any]:
    """Return what a picture's file says, by field; None where it says nothing."""
    size = f"{found.width}:{found.height}" if found.width and found.height else None
    return {
        option.field: size if option.field == SIZE else _in_file(found, option.file)
        for option in as_shown()
        if option.file is not None
    }


def labelled(found: Parameters) -> dict[str, str | None]:
    """Return what a picture's file says, by its name, as it stands there; not the model."""
    said = of_file(found)
    if said[SIZE] is not None:
        said[SIZE] = f"{found.width}×{found.height}"
    return {
        say(f"parameter.{OPTIONS[field].key}"): None if value is None else _as_read(value)
        for field, value in said.items()
        if OPTIONS[field].file != "model"
    }


def others(found: Parameters) -> dict[str, str]:
    """Return what a picture's file says beside these, under its own names."""
    ours = {option.file for option in OPTIONS.values()}
    return {name: value for name, value in found.other.items() if name not in ours}


def own_settings(checkpoint: Checkpoint) -> dict[str, str | float]:
    """Return a checkpoint's own defaults as fields of a sentence, by their keys."""
    return {
        option.key: option.value.said(getattr(checkpoint, option.request))
        for option in OPTIONS.values()
        if option.request is not None and Layer.CHECKPOINT in option.layers
    }


def _in_file(found: Parameters, name: str) -> Any:  # noqa: ANN401
    """Return a field of what a file says, or the text under a key that has none."""
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

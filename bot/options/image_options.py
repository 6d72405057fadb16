"""Partial options for a picture."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from bot.options.registry import OPTIONS, Layer, with_defaults
from bot.options.typography import well_formed
from generation.errors import InvalidRequest


class ImageOptions(Mapping[str, Any]):
    """Values of options by field; unset ones are absent, and so are blank texts.

    It never changes. Values are as they were given; those of layers are checked (`changed`).
    ``left_out`` are pieces that were typed, too, and that nothing here understands or has: they
    are told, and are no part of what is said.
    """

    __slots__ = ("_said", "left_out")

    def __init__(
        self,
        said: Mapping[str, Any] | None = None,
        /,
        *,
        left_out: tuple[str, ...] = (),
        **more: Any,  # noqa: ANN401
    ) -> None:
        every = {**(said or {}), **more}
        self.left_out = left_out
        if unknown := every.keys() - OPTIONS.keys():
            raise TypeError(f"no such options: {', '.join(sorted(unknown))}")
        self._said = {
            field: well_formed(value) if type(value) is str else value
            for field, value in every.items()
            if not _is_silent(value)
        }

    def __getitem__(self, field: str) -> Any:  # noqa: ANN401
        """Return the value; raises KeyError."""
        return self._said[field]

    def __iter__(self) -> Iterator[str]:
        """Yield the fields that are set."""
        return iter(self._said)

    def __len__(self) -> int:
        """Return the number of fields that are set."""
        return len(self._said)

    def __repr__(self) -> str:
        """Show them as a constructor call."""
        return f"ImageOptions({', '.join(f'{name}={value!r}' for name, value in self.items())})"

    @property
    def prompt(self) -> str:
        """The prompt, empty if unset."""
        return str(self.get("prompt", ""))

    @property
    def negative_prompt(self) -> str:
        """The negative prompt, empty if unset."""
        return str(self.get("negative_prompt", ""))

    def get(self, field: str, default: Any = None) -> Any:  # noqa: ANN401
        """Return the value, or ``default``; faster than a mapping's own."""
        return self._said.get(field, default)

    def over(self, below: Mapping[str, Any]) -> "ImageOptions":
        """Return this, and what ``below`` says where this says nothing."""
        if not below:
            return self
        return ImageOptions({**below, **self}, left_out=self.left_out)

    def but(self, **changes: Any) -> "ImageOptions":  # noqa: ANN401
        """Return this with changes; None takes one back."""
        if not changes:
            return self
        return ImageOptions({**self, **changes}, left_out=self.left_out)

    def without(self, *pieces: str) -> "ImageOptions":
        """Return this with more that was left out of it, each piece named once."""
        if not pieces:
            return self
        every = (*self.left_out, *map(well_formed, pieces))
        return ImageOptions(self, left_out=tuple(dict.fromkeys(every)))

    def changed(self, changes: Mapping[str, Any]) -> "ImageOptions":
        """Return a copy with validated changes of defaults; None unsets a field.

        Raises InvalidRequest, naming the field and its limit.
        """
        kept = {
            field: None if value is None else OPTIONS[field].value.check(field, value)
            for field, value in changes.items()
        }
        return self.but(**kept)

    def to_json(self) -> str:
        """Return it as JSON."""
        return json.dumps(dict(self))


def from_json(text: str, layer: Layer) -> tuple[ImageOptions, list[InvalidRequest]]:
    """Return a layer's defaults, and the errors of values that were left out.

    Fields known only to a newer version are ignored.
    """
    return good_of(json.loads(text), layer)


def good_of(said: Mapping[str, Any], layer: Layer) -> tuple[ImageOptions, list[InvalidRequest]]:
    """Return a layer's defaults from a mapping, and the errors of others, likewise."""
    good: dict[str, Any] = {}
    wrong: list[InvalidRequest] = []
    for option in with_defaults(layer):
        try:
            if (value := said.get(option.field)) is not None:
                good[option.field] = option.value.check(option.field, value)
        except InvalidRequest as error:
            wrong.append(error)
    return ImageOptions(good), wrong


def _is_silent(value: object) -> bool:
    return value in (None, ()) or (isinstance(value, str) and not value.strip())

"""Partial options for a picture."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from bot.options.registry import OPTIONS, Layer, with_defaults
from generation.errors import InvalidRequest


class ImageOptions(Mapping[str, Any]):
    """Values of options by field; unset ones are absent, and so are blank texts.

    Immutable. Values are as given; those of default layers are validated (`changed`).
    """

    __slots__ = ("_said",)

    def __init__(self, said: Mapping[str, Any] | None = None, /, **more: Any) -> None:  # noqa: ANN401
        every = {**(said or {}), **more}
        if unknown := every.keys() - OPTIONS.keys():
            raise TypeError(f"no such options: {', '.join(sorted(unknown))}")
        self._said = {field: value for field, value in every.items() if not _is_silent(value)}

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

    def over(self, below: Mapping[str, Any]) -> "ImageOptions":
        """Return these options, with unset ones filled in from ``below``."""
        return ImageOptions({**below, **self})

    def but(self, **changes: Any) -> "ImageOptions":  # noqa: ANN401
        """Return a copy with changes; None unsets a field."""
        return ImageOptions({**self, **changes})

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
    return value is None or (isinstance(value, str) and not value.strip())

"""What has been said about a picture so far."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from bot.options.registry import OPTIONS, Layer, with_defaults
from generation.errors import InvalidRequest


class ImageOptions(Mapping[str, Any]):
    """Values of options by field; what is not said is not in it, and neither is a blank text.

    It never changes. Values are as they were given; those of layers are checked (`changed`).
    """

    __slots__ = ("_said",)

    def __init__(self, said: Mapping[str, Any] | None = None, /, **more: Any) -> None:  # noqa: ANN401
        every = {**(said or {}), **more}
        if unknown := every.keys() - OPTIONS.keys():
            raise TypeError(f"no such options: {', '.join(sorted(unknown))}")
        self._said = {field: value for field, value in every.items() if not _is_silent(value)}

    def __getitem__(self, field: str) -> Any:  # noqa: ANN401
        """Return what is said; raises KeyError."""
        return self._said[field]

    def __iter__(self) -> Iterator[str]:
        """Yield the fields that are said."""
        return iter(self._said)

    def __len__(self) -> int:
        """Count them."""
        return len(self._said)

    def __repr__(self) -> str:
        """Show them as they would be made."""
        return f"ImageOptions({', '.join(f'{name}={value!r}' for name, value in self.items())})"

    @property
    def prompt(self) -> str:
        """The prompt, empty where there is none."""
        return str(self.get("prompt", ""))

    @property
    def negative_prompt(self) -> str:
        """What is to be kept out of the picture, empty where nothing is."""
        return str(self.get("negative_prompt", ""))

    def over(self, below: Mapping[str, Any]) -> "ImageOptions":
        """Return this, and what ``below`` says where this says nothing."""
        return ImageOptions({**below, **self})

    def but(self, **changes: Any) -> "ImageOptions":  # noqa: ANN401
        """Return this with changes; None takes one back."""
        return ImageOptions({**self, **changes})

    def changed(self, changes: Mapping[str, Any]) -> "ImageOptions":
        """Return it with other defaults, each as it is kept; None takes one back.

        Raises InvalidRequest, naming the field and its bound.
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
    """Return a layer's defaults, and what is wrong with the values that are left out.

    Fields that only a newer version knows are ignored.
    """
    return good_of(json.loads(text), layer)


def good_of(said: Mapping[str, Any], layer: Layer) -> tuple[ImageOptions, list[InvalidRequest]]:
    """Return a layer's defaults out of a mapping, and what is wrong with others, likewise."""
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

"""What a JSON value may look like: types, lengths and bounds, checked as Discord checks a form.

A shape notes what it would not take, each mistake where it lies. What a field's absence means is
told by `Fields`: what is not required may be null as well.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

from playground.checks.refusals import FormErrors

INT32 = (-(1 << 31), (1 << 31) - 1)
INT64 = (-(1 << 63), (1 << 63) - 1)
SAFE = (-(1 << 53) + 1, (1 << 53) - 1)
"""The whole numbers that JavaScript, and so Discord's client, can tell from their neighbours."""

_SNOWFLAKE = re.compile(r"0|[1-9][0-9]*")


class Shape(Protocol):
    """A kind of value."""

    def check(self, value: Any, errors: FormErrors, path: str) -> None:  # noqa: ANN401
        """Note at `path` what is wrong with a value."""


@dataclass(frozen=True, slots=True)
class Text:
    """A string of so many characters."""

    low: int = 0
    high: int = 152_133

    def check(self, value: Any, errors: FormErrors, path: str) -> None:  # noqa: ANN401
        """Note at `path` what is wrong with a value."""
        if not isinstance(value, str):
            errors.add(path, "BASE_TYPE_STRING", "Could not interpret as a string.")
        elif self.low:
            errors.length(path, value, self.low, self.high)
        else:
            errors.longest(path, value, self.high)


@dataclass(frozen=True, slots=True)
class Address:
    """A URL."""

    high: int = 2048

    def check(self, value: Any, errors: FormErrors, path: str) -> None:  # noqa: ANN401
        """Note at `path` what is wrong with a value."""
        Text(0, self.high).check(value, errors, path)
        if isinstance(value, str) and not _is_url(value):
            errors.add(path, "URL_TYPE_INVALID_URL", "Not a well formed URL.")


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return bool(parts.scheme and (parts.netloc or parts.path)) and not re.search(r"\s", text)


@dataclass(frozen=True, slots=True)
class Moment:
    """A time in ISO 8601, with its zone."""

    def check(self, value: Any, errors: FormErrors, path: str) -> None:  # noqa: ANN401
        """Note at `path` what is wrong with a value."""
        try:
            known = datetime.fromisoformat(value).tzinfo is not None
        except (TypeError, ValueError):
            known = False
        if not known:
            errors.add(path, "DATE_TIME_TYPE_PARSE", f"Could not parse {value}.")


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number within bounds."""

    low: int = INT32[0]
    high: int = INT32[1]

    def check(self, value: Any, errors: FormErrors, path: str) -> None:  # noqa: ANN401
        """Note at `path` what is wrong with a value."""
        if isinstance(value, bool) or not isinstance(value, int):
            errors.add(path, "NUMBER_TYPE_COERCE", f'Value "{value}" is not int.')
        elif value < self.low:
            message = f"int value should be greater than or equal to {self.low}."
            errors.add(path, "NUMBER_TYPE_MIN", message)
        elif value > self.high:
            message = f"int value should be less than or equal to {self.high}."
            errors.add(path, "NUMBER_TYPE_MAX", message)


@dataclass(frozen=True, slots=True)
class Number:
    """Any number."""

    def check(self, value: Any, errors: FormErrors, path: str) -> None:  # noqa: ANN401
        """Note at `path` what is wrong with a value."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            errors.add(path, "NUMBER_TYPE_COERCE", f'Value "{value}" is not a number.')


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""

    def check(self, value: Any, errors: FormErrors, path: str) -> None:  # noqa: ANN401
        """Note at `path` what is wrong with a value."""
        if not isinstance(value, bool):
            errors.add(path, "BOOLEAN_TYPE_CONVERT", "Must be either true or false.")


@dataclass(frozen=True, slots=True)
class Snowflake:
    """An id, as a string or a number."""

    def check(self, value: Any, errors: FormErrors, path: str) -> None:  # noqa: ANN401
        """Note at `path` what is wrong with a value."""
        number = isinstance(value, int) and not isinstance(value, bool)
        digits = isinstance(value, str) and _SNOWFLAKE.fullmatch(value)
        if not (number or digits) or not 0 <= int(value) < 1 << 64:
            errors.add(path, "NUMBER_TYPE_COERCE", f'Value "{value}" is not snowflake.')


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of a few values."""

    values: Collection[int | str]

    def check(self, value: Any, errors: FormErrors, path: str) -> None:  # noqa: ANN401
        """Note at `path` what is wrong with a value."""
        if isinstance(value, bool) or value not in list(self.values):
            listed = ", ".join(repr(one) for one in self.values)
            errors.add(path, "BASE_TYPE_CHOICES", f"Value must be one of {{{listed}}}.")


@dataclass(frozen=True, slots=True)
class Either:
    """What one of several shapes takes; if none does, what the last one says."""

    shapes: tuple[Shape, ...]

    def check(self, value: Any, errors: FormErrors, path: str) -> None:  # noqa: ANN401
        """Note at `path` what is wrong with a value."""
        for shape in self.shapes[:-1]:
            tried = FormErrors()
            shape.check(value, tried, path)
            if not tried.tree:
                return
        self.shapes[-1].check(value, errors, path)


@dataclass(frozen=True, slots=True)
class Listed:
    """A list of so many things."""

    of: Shape
    low: int = 0
    high: int = 1521
    unique: bool = False

    def check(self, value: Any, errors: FormErrors, path: str) -> None:  # noqa: ANN401
        """Note at `path` what is wrong with a value."""
        if not isinstance(value, list):
            errors.add(path, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
            return
        if self.low:
            errors.length(path, value, self.low, self.high)
        else:
            errors.longest(path, value, self.high)
        if self.unique and any(one in value[:index] for index, one in enumerate(value)):
            message = "The set already contains this value"
            errors.add(path, "SET_TYPE_ALREADY_CONTAINS_VALUE", message)
        for index, one in enumerate(value):
            self.of.check(one, errors, below(path, index))


@dataclass(frozen=True, slots=True)
class Named:
    """Values by names that are not known beforehand, such as languages."""

    of: Shape
    high: int

    def check(self, value: Any, errors: FormErrors, path: str) -> None:  # noqa: ANN401
        """Note at `path` what is wrong with a value."""
        if not isinstance(value, dict):
            errors.add(path, "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
            return
        errors.longest(path, value, self.high)
        for name, one in value.items():
            self.of.check(one, errors, below(path, name))


@dataclass(frozen=True, slots=True)
class Fields:
    """An object: fields that it has to have, and fields that it may leave out or set to null.

    Others are passed over, as Discord does.
    """

    required: Mapping[str, Shape] = field(default_factory=dict)
    optional: Mapping[str, Shape] = field(default_factory=dict)

    def check(self, value: Any, errors: FormErrors, path: str) -> None:  # noqa: ANN401
        """Note at `path` what is wrong with a value."""
        if not isinstance(value, dict):
            errors.add(path, "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType")
            return
        for name, shape in self.required.items():
            if value.get(name) is None:
                errors.required(below(path, name))
            else:
                shape.check(value[name], errors, below(path, name))
        for name, shape in self.optional.items():
            if value.get(name) is not None:
                shape.check(value[name], errors, below(path, name))


@dataclass(frozen=True, slots=True)
class Kinds:
    """An object whose shape its `type` tells; of those in `elsewhere`, others have to judge."""

    shapes: Mapping[int, Shape]
    elsewhere: Collection[int] = ()

    def check(self, value: Any, errors: FormErrors, path: str) -> None:  # noqa: ANN401
        """Note at `path` what is wrong with a value."""
        if not isinstance(value, dict):
            errors.add(path, "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType")
            return
        kind = value.get("type")
        if kind is None:
            errors.required(below(path, "type"))
        elif isinstance(kind, int) and not isinstance(kind, bool) and kind in self.shapes:
            self.shapes[kind].check(value, errors, path)
        elif kind not in self.elsewhere:
            OneOf(sorted(self.shapes)).check(None, errors, below(path, "type"))


def below(path: str, part: object) -> str:
    """Give the dotted path of what lies in something."""
    return f"{path}.{part}" if path else str(part)

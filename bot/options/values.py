"""Kinds of values for options and settings: validated, parsed, and displayed."""

import math
import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bot.options.typography import plain
from bot.texts import any_of, say
from bot.texts.inert import inert
from generation.errors import InvalidRequest
from generation.hires import Hires, second_pass
from generation.metadata.infotext import sampler_named
from generation.prompts.weights import parse
from generation.request import COUNT, SEED, Aspect, Sampler, bounded

SHOWN_NAME = 100  # characters of a checkpoint's or style's name
# A ratio may be this many times wider or narrower than the nearest shape: ratios between two shapes
# are near enough to one of them, 21:9 is not.
ASPECT_TOLERANCE = 1.24

YES, NO = "yes", "no"
TRUTHS = {YES: True, "true": True, "on": True, NO: False, "false": False, "off": False}

Check = Callable[[str, Any], Any]

# What a program elsewhere calls a seed that nobody picked.
RANDOM = ("-1", "random", "rand")

_NUMBER = re.compile(r"[0-9]{1,6}([.,][0-9]{1,6})?|[.,][0-9]{1,6}")
_NUMERIC = re.compile(r"[+-]?[0-9]*[.,]?[0-9]+")
_SIDE = r"([0-9]{1,4}(?:[.,][0-9]{1,3})?)"
_RATIO = re.compile(rf"{_SIDE}[:x×/]{_SIDE}")


@dataclass(frozen=True, slots=True)
class Value:
    """A kind of value; any text, unless a subclass says otherwise."""

    def check(self, field: str, value: Any) -> Any:  # noqa: ANN401, ARG002
        """Return the value as stored; raises InvalidRequest, naming its field and limit."""
        return value

    def read(self, label: str, text: str) -> Any:  # noqa: ANN401, ARG002
        """Parse what somebody typed; raises InvalidRequest, naming it as they did."""
        return text

    def fits(self, text: str) -> bool:
        """Tell whether a text looks like such a value, in bounds or not."""
        return bool(text)

    def example(self) -> str:
        """Return what somebody could type."""
        return "…"

    def show(self, value: Any) -> str:  # noqa: ANN401
        """Return it for display; callers escape markup."""
        return str(value)

    def write(self, value: Any) -> str:  # noqa: ANN401
        """Return a text that parses to this value."""
        return str(value)

    def said(self, value: Any) -> str | float:  # noqa: ANN401
        """Return it as a message argument, with markup escaped."""
        return inert(self.show(value), SHOWN_NAME)

    def cell(self, value: Any) -> Any:  # noqa: ANN401
        """Return it for a table or JSON."""
        return value

    def requested(self, value: Any, steps: int) -> Any:  # noqa: ANN401, ARG002
        """Return it as a field of a request with so many steps."""
        return value

    def of_request(self, field: Any) -> Any:  # noqa: ANN401
        """Return the value that a request's field stands for; None if that says nothing."""
        return field


@dataclass(frozen=True, slots=True)
class Whole(Value):
    """A whole number from ``least`` to ``most``."""

    least: int
    most: int

    def check(self, field: str, value: Any) -> int:  # noqa: ANN401
        """Return the value if it is valid."""
        if type(value) is not int or not self.least <= value <= self.most:
            raise self._refused(field)
        return value

    def read(self, label: str, text: str) -> int:
        """Return the number."""
        text = plain(text)
        if not re.fullmatch(r"[0-9]{1,10}", text):
            raise self._refused(label)
        bounded(label, int(text), (self.least, self.most))
        return int(text)

    def fits(self, text: str) -> bool:
        """Tell whether it is a number."""
        return _NUMERIC.fullmatch(plain(text)) is not None

    def example(self) -> str:
        """Return one within the bounds."""
        return str(max(self.least, min(self.most, 7)))

    def said(self, value: int) -> str | float:
        """Return the number itself, so that messages can choose plurals by it."""
        return value

    def _refused(self, field: str) -> InvalidRequest:
        bound = say("bound-whole", least=str(self.least), most=str(self.most))
        return InvalidRequest(field, bound)


@dataclass(frozen=True, slots=True)
class Seed(Whole):
    """A whole number that is not a count, so it is written without commas."""

    def read(self, label: str, text: str) -> int:
        """Return the number, a new one where any will do."""
        return new_seed() if self._is_random(text) else Whole.read(self, label, text)

    def fits(self, text: str) -> bool:
        """Tell whether it is a number, or any."""
        return self._is_random(text) or Whole.fits(self, text)

    def _is_random(self, text: str) -> bool:
        return plain(text).casefold() in RANDOM

    def said(self, value: int) -> str | float:
        """Return its digits."""
        return str(value)


@dataclass(frozen=True, slots=True)
class Number(Value):
    """A number from ``least`` to ``most``."""

    least: float
    most: float

    def check(self, field: str, value: Any) -> float:  # noqa: ANN401
        """Return the value if it is valid."""
        if not isinstance(value, int | float):
            raise self._refused(field)
        bounded(field, value, (self.least, self.most))
        return float(value)

    def read(self, label: str, text: str) -> float:
        """Return the number, which may have a point or a comma in it."""
        text = plain(text)
        if not _NUMBER.fullmatch(text):
            raise self._refused(label)
        value = float(text.replace(",", "."))
        bounded(label, value, (self.least, self.most))
        return value

    def fits(self, text: str) -> bool:
        """Tell whether it is a number."""
        return _NUMERIC.fullmatch(plain(text)) is not None

    def example(self) -> str:
        """Return one within the bounds."""
        return f"{max(self.least, min(self.most, 7.0)):g}"

    def show(self, value: float) -> str:
        """Return up to six digits."""
        return f"{value:g}"

    def write(self, value: float) -> str:
        """Return as many digits as can be typed."""
        return f"{value:.6f}".rstrip("0").rstrip(".")

    def said(self, value: float) -> str | float:
        """Return it as displayed."""
        return self.show(value)

    def _refused(self, field: str) -> InvalidRequest:
        bound = say("bound-number", least=f"{self.least:g}", most=f"{self.most:g}")
        return InvalidRequest(field, bound)


@dataclass(frozen=True, slots=True)
class Strength(Number):
    """How much of a picture is redrawn; limited by the request, which knows its steps."""

    def read(self, label: str, text: str) -> float:
        """Return the number."""
        text = plain(text)
        if not _NUMBER.fullmatch(text):
            raise InvalidRequest(label, say("bound-strength"))
        return float(text.replace(",", "."))


@dataclass(frozen=True, slots=True)
class Enlargement(Number):
    """How much larger a second pass draws the picture."""

    def requested(self, value: float | None, steps: int) -> Hires | None:
        """Return a second pass that keeps what was drawn, and takes one step at least."""
        return None if value is None else second_pass(value, steps)

    def of_request(self, field: Hires | None) -> float | None:
        """Return its factor."""
        return None if field is None else field.scale


@dataclass(frozen=True, slots=True)
class OneOf(Value):
    """One of several names."""

    names: type[StrEnum]

    def check(self, field: str, value: Any) -> StrEnum:  # noqa: ANN401
        """Return the name."""
        try:
            return self.names(value)
        except ValueError:
            raise InvalidRequest(field, say("bound-one-of", names=any_of(self.names))) from None

    def read(self, label: str, text: str) -> StrEnum:
        """Return the name, ignoring case."""
        return self.check(label, pick(text, self.names))

    def fits(self, text: str) -> bool:
        """Tell whether it is one of the names."""
        try:
            self.read("", text)
        except InvalidRequest:
            return False
        return True

    def example(self) -> str:
        """Return one of the names."""
        return next(iter(self.names)).value

    def label(self, name: str) -> str:
        """Return the menu label of a name."""
        return name


@dataclass(frozen=True, slots=True)
class Shape(OneOf):
    """One of the shapes a picture can have."""

    names: type[StrEnum] = Aspect

    def read(self, label: str, text: str) -> StrEnum:
        """Return the shape of this name, or the one nearest to a ratio."""
        return nearest_aspect(label, text)

    def fits(self, text: str) -> bool:
        """Tell whether it is a ratio, near one of ours or not, or the name of a shape."""
        text = plain(text).casefold()
        return text in tuple(Aspect) or _RATIO.fullmatch(text) is not None

    def example(self) -> str:
        """Return a ratio."""
        return "3:2"

    def show(self, value: str) -> str:
        """Return its name in the person's language."""
        return say(f"shape.{value}")

    def label(self, name: str) -> str:
        """Return its name and its ratio."""
        return say(f"aspect.{name}")


@dataclass(frozen=True, slots=True)
class SamplerName(OneOf):
    """A sampler, under any of its names."""

    names: type[StrEnum] = Sampler

    def read(self, label: str, text: str) -> StrEnum:
        """Return the sampler, also by its names in other programs."""
        return self.check(label, sampler_named(pick(text, Sampler)))


@dataclass(frozen=True, slots=True)
class Text(Value):
    """Text of ``least`` to ``most`` characters."""

    least: int
    most: int

    def check(self, field: str, value: Any) -> str:  # noqa: ANN401
        """Return the text; an empty one is no default."""
        least, most = max(1, self.least), self.most
        if not isinstance(value, str) or not least <= len(value) <= most:
            raise InvalidRequest(field, say("bound-characters", least=str(least), most=str(most)))
        return value


@dataclass(frozen=True, slots=True)
class Name(Text):
    """A name that only the catalog can validate."""


@dataclass(frozen=True, slots=True)
class Prompt(Text):
    """Text that parses as a prompt."""

    def check(self, field: str, value: Any) -> str:  # noqa: ANN401
        """Return the text if its weights can be parsed."""
        # `super()` without its arguments does not work in a dataclass with slots.
        prompt = Text.check(self, field, value)
        parse(prompt, field)
        return prompt

    def said(self, value: str) -> str | float:
        """Return as much of it as fits an embed's field."""
        return inert(value, 900)


@dataclass(frozen=True, slots=True)
class Truth(Value):
    """Yes or no; typed, its name alone says yes."""

    def read(self, label: str, text: str) -> bool:
        """Return whether it says yes."""
        said = plain(text).casefold()
        if said not in TRUTHS:
            raise InvalidRequest(label, say("bound-one-of", names=any_of((YES, NO))))
        return TRUTHS[said]

    def fits(self, text: str) -> bool:
        """Tell whether it says yes or no."""
        return plain(text).casefold() in TRUTHS

    def example(self) -> str:
        """Return one of the two."""
        return YES

    def write(self, value: bool) -> str:
        """Return the word for it."""
        return YES if value else NO

    def of_request(self, field: bool) -> bool | None:
        """Return only what is asked for."""
        return field or None

    def check(self, field: str, value: Any) -> bool:  # noqa: ANN401
        """Return the value if it is a boolean."""
        if not isinstance(value, bool):
            raise InvalidRequest(field, say("bound-truth"))
        return value

    def show(self, value: bool) -> str:
        """Return it as a word."""
        return say("yes") if value else say("no")


@dataclass(frozen=True, slots=True)
class Upload(Value):
    """An attached file."""


def new_seed() -> int:
    """Return a seed nobody can guess from the last one."""
    return secrets.randbelow(SEED[1] + 1 - COUNT[1])


def pick(typed: str, names: Iterable[str], unlisted: Iterable[str] = ()) -> str:
    """Return the name that was typed, ignoring case; otherwise what was typed.

    A unique prefix is enough, except for ``unlisted`` names, which must be typed in full. For
    catalog names, spelled as their owner wrote them; the catalog rejects unknown ones.
    """
    start = typed.casefold()
    near = [name for name in names if name.casefold().startswith(start)]
    near += [name for name in unlisted if name.casefold() == start]
    same = [name for name in near if name.casefold() == start]
    found = [name for name in near if name == typed] or same or near
    return found[0] if len(found) == 1 or same else typed


def nearest_aspect(label: str, text: str) -> Aspect:
    """Return our shape nearest to ``3:2`` or to a shape's name; raises InvalidRequest."""
    text = plain(text)
    if text.casefold() in tuple(Aspect):
        return Aspect(text.casefold())
    ratio = _RATIO.fullmatch(text)
    sides = [float(side.replace(",", ".")) for side in ratio.groups()] if ratio else []
    if sides and all(sides):
        wanted = sides[0] / sides[1]
        nearest = Aspect.nearest(wanted)
        if abs(math.log(nearest.ratio / wanted)) <= math.log(ASPECT_TOLERANCE):
            return nearest
    raise InvalidRequest(
        label, say("bound-near", names=any_of(aspect.as_ratio for aspect in Aspect))
    )

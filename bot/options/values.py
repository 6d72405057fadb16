"""What kinds of values an option or a setting can have: checked, read from text, and shown."""

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Any

from bot.texts import any_of, say
from bot.texts.inert import inert
from generation.errors import InvalidRequest
from generation.metadata.infotext import sampler_named
from generation.prompt_weights import parse
from generation.request import Aspect, Sampler, bounded

SHOWN_NAME = 100  # characters of a checkpoint or a style
# A ratio may be this many times wider or narrower than a shape of ours: what lies between two
# shapes is near enough to one of them, 21:9 is not.
ASPECT_TOLERANCE = 1.24

Check = Callable[[str, Any], Any]

_NUMBER = re.compile(r"[0-9]{1,6}([.,][0-9]{1,6})?")
_RATIO = re.compile(r"([0-9]{1,4})[:x×/]([0-9]{1,4})")


@dataclass(frozen=True, slots=True)
class Value:
    """A kind of value; text of any kind, where a subclass does not say more."""

    def check(self, field: str, value: Any) -> Any:  # noqa: ANN401, ARG002
        """Return the value as it is kept; raise InvalidRequest, naming its field and bound."""
        return value

    def read(self, label: str, text: str) -> Any:  # noqa: ANN401, ARG002
        """Return what somebody typed; raise InvalidRequest, naming it as they did."""
        return text

    def show(self, value: Any) -> str:  # noqa: ANN401
        """Return it as people read it; whoever shows it makes it inert."""
        return str(value)

    def write(self, value: Any) -> str:  # noqa: ANN401
        """Return a text that reads as this value."""
        return str(value)

    def said(self, value: Any) -> str | float:  # noqa: ANN401
        """Return it as a field of a sentence; nothing in it is markup of somebody's making."""
        return inert(self.show(value), SHOWN_NAME)


@dataclass(frozen=True, slots=True)
class Whole(Value):
    """A whole number from ``least`` to ``most``."""

    least: int
    most: int

    def check(self, field: str, value: Any) -> int:  # noqa: ANN401
        """Return it where it is one."""
        if type(value) is not int or not self.least <= value <= self.most:
            raise self._refused(field)
        return value

    def read(self, label: str, text: str) -> int:
        """Return the number."""
        if not re.fullmatch(r"[0-9]{1,10}", text):
            raise self._refused(label)
        bounded(label, int(text), (self.least, self.most))
        return int(text)

    def said(self, value: int) -> str | float:
        """Return the number itself, which a sentence may count by."""
        return value

    def _refused(self, field: str) -> InvalidRequest:
        bound = say("bound-whole", least=str(self.least), most=str(self.most))
        return InvalidRequest(field, bound)


@dataclass(frozen=True, slots=True)
class Seed(Whole):
    """A whole number that counts nothing, so it is written without commas."""

    def said(self, value: int) -> str | float:
        """Return its digits."""
        return str(value)


@dataclass(frozen=True, slots=True)
class Number(Value):
    """A number from ``least`` to ``most``."""

    least: float
    most: float

    def check(self, field: str, value: Any) -> float:  # noqa: ANN401
        """Return it where it is one."""
        if not isinstance(value, int | float):
            raise self._refused(field)
        bounded(field, value, (self.least, self.most))
        return float(value)

    def read(self, label: str, text: str) -> float:
        """Return the number, which may have a point or a comma in it."""
        if not _NUMBER.fullmatch(text):
            raise self._refused(label)
        value = float(text.replace(",", "."))
        bounded(label, value, (self.least, self.most))
        return value

    def show(self, value: float) -> str:
        """Return up to six digits of it."""
        return f"{value:g}"

    def write(self, value: float) -> str:
        """Return as many digits as can be typed."""
        return f"{value:.6f}".rstrip("0").rstrip(".")

    def said(self, value: float) -> str | float:
        """Return the same."""
        return self.show(value)

    def _refused(self, field: str) -> InvalidRequest:
        bound = say("bound-number", least=f"{self.least:g}", most=f"{self.most:g}")
        return InvalidRequest(field, bound)


@dataclass(frozen=True, slots=True)
class Strength(Number):
    """How much of a picture is redrawn; a request, which knows its steps, bounds it."""

    def read(self, label: str, text: str) -> float:
        """Return the number."""
        if not _NUMBER.fullmatch(text):
            raise InvalidRequest(label, say("bound-strength"))
        return float(text.replace(",", "."))


@dataclass(frozen=True, slots=True)
class OneOf(Value):
    """One of some names."""

    names: type[StrEnum]

    def check(self, field: str, value: Any) -> StrEnum:  # noqa: ANN401
        """Return the name."""
        try:
            return self.names(value)
        except ValueError:
            raise InvalidRequest(field, say("bound-one-of", names=any_of(self.names))) from None

    def read(self, label: str, text: str) -> StrEnum:
        """Return the name, whatever its case."""
        return self.check(label, pick(text, self.names))

    def label(self, name: str) -> str:
        """Return what stands in a menu for a name."""
        return name


@dataclass(frozen=True, slots=True)
class Shape(OneOf):
    """One of the shapes that a picture can have."""

    names: type[StrEnum] = Aspect

    def read(self, label: str, text: str) -> StrEnum:
        """Return the shape of a name, or the one nearest to a ratio."""
        return nearest_aspect(label, text)

    def show(self, value: str) -> str:
        """Return its name in the person's language."""
        return say(f"shape.{value}")

    def label(self, name: str) -> str:
        """Return its name and its ratio."""
        return say(f"aspect.{name}")


@dataclass(frozen=True, slots=True)
class SamplerName(OneOf):
    """One of our samplers, by any of its names."""

    names: type[StrEnum] = Sampler

    def read(self, label: str, text: str) -> StrEnum:
        """Return the sampler, which other programs may call otherwise."""
        return self.check(label, sampler_named(pick(text, Sampler)))


@dataclass(frozen=True, slots=True)
class Text(Value):
    """Text of ``least`` to ``most`` characters."""

    least: int
    most: int

    def check(self, field: str, value: Any) -> str:  # noqa: ANN401
        """Return the text; as a default, an empty one would say nothing."""
        least, most = max(1, self.least), self.most
        if not isinstance(value, str) or not least <= len(value) <= most:
            raise InvalidRequest(field, say("bound-characters", least=str(least), most=str(most)))
        return value


@dataclass(frozen=True, slots=True)
class Name(Text):
    """A name from a catalog, which only the catalog knows."""


@dataclass(frozen=True, slots=True)
class Prompt(Text):
    """Text that can be read as a prompt."""

    def check(self, field: str, value: Any) -> str:  # noqa: ANN401
        """Return the text, where its weights can be read."""
        # `super()` without its arguments does not work in a dataclass with slots.
        prompt = Text.check(self, field, value)
        parse(prompt, field)
        return prompt

    def said(self, value: str) -> str | float:
        """Return as much of it as stands in an embed's field."""
        return inert(value, 900)


@dataclass(frozen=True, slots=True)
class Truth(Value):
    """Yes or no."""

    def check(self, field: str, value: Any) -> bool:  # noqa: ANN401
        """Return it where it is one of both."""
        if not isinstance(value, bool):
            raise InvalidRequest(field, say("bound-truth"))
        return value

    def show(self, value: bool) -> str:
        """Return it as a word."""
        return say("yes") if value else say("no")


@dataclass(frozen=True, slots=True)
class Upload(Value):
    """A file that a person attaches."""


def pick(typed: str, names: Iterable[str], unlisted: Iterable[str] = ()) -> str:
    """Return the one of the names that was typed, whatever its case; else what was typed.

    The only name that starts with it does, too; one of the ``unlisted`` has to be typed whole. It
    is for a catalog's names, which are as their owner wrote them; the catalog refuses what is none
    of them.
    """
    start = typed.casefold()
    near = [name for name in names if name.casefold().startswith(start)]
    near += [name for name in unlisted if name.casefold() == start]
    same = [name for name in near if name.casefold() == start]
    found = [name for name in near if name == typed] or same or near
    return found[0] if len(found) == 1 or same else typed


def nearest_aspect(label: str, text: str) -> Aspect:
    """Return our shape nearest to ``3:2`` or to a shape's name; raises InvalidRequest."""
    if text.casefold() in tuple(Aspect):
        return Aspect(text.casefold())
    ratio = _RATIO.fullmatch(text)
    if ratio and int(ratio[1]) and int(ratio[2]):
        wanted = int(ratio[1]) / int(ratio[2])
        nearest = nearest_shape(wanted)
        if abs(math.log(nearest.ratio / wanted)) <= math.log(ASPECT_TOLERANCE):
            return nearest
    raise InvalidRequest(label, say("bound-near", names=any_of(map(_as_ratio, Aspect))))


def nearest_shape(ratio: float) -> Aspect:
    """Return our shape nearest to this width over height."""
    return min(Aspect, key=lambda aspect: abs(math.log(aspect.ratio / ratio)))


def _as_ratio(aspect: Aspect) -> str:
    ratio = Fraction(aspect.ratio).limit_denominator(20)
    return f"{ratio.numerator}:{ratio.denominator}"

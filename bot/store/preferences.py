"""What fills the gaps of a wish, of a server or of a person, kept as JSON in one column."""

import json
from collections.abc import Callable
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, ClassVar, Self

from bot.texts import any_of, say
from generation.errors import InvalidRequest
from generation.prompt_weights import parse
from generation.request import COUNT, GUIDANCE, STEPS, Aspect, Sampler, bounded

NAME_LENGTH = 100  # of a checkpoint or a style

Check = Callable[[str, Any], Any]


def whole(least: int, most: int) -> Check:
    """Return the check that a value is a whole number from ``least`` to ``most``."""

    def check(field: str, value: Any) -> int:  # noqa: ANN401
        if type(value) is not int or not least <= value <= most:
            raise InvalidRequest(field, say("bound-whole", least=str(least), most=str(most)))
        return value

    return check


def number(least: float, most: float) -> Check:
    """Return the check that a value is a number from ``least`` to ``most``."""

    def check(field: str, value: Any) -> float:  # noqa: ANN401
        if not isinstance(value, int | float):
            raise InvalidRequest(field, say("bound-number", least=f"{least:g}", most=f"{most:g}"))
        bounded(field, value, (least, most))
        return float(value)

    return check


def one_of(names: type[StrEnum]) -> Check:
    """Return the check that a value is one of these names."""

    def check(field: str, value: Any) -> StrEnum:  # noqa: ANN401
        try:
            return names(value)
        except ValueError:
            raise InvalidRequest(field, say("bound-one-of", names=any_of(names))) from None

    return check


def text(least: int, most: int) -> Check:
    """Return the check that a value is text of so many characters."""

    def check(field: str, value: Any) -> str:  # noqa: ANN401
        if not isinstance(value, str) or not least <= len(value) <= most:
            raise InvalidRequest(field, say("bound-characters", least=str(least), most=str(most)))
        return value

    return check


def prompt(most: int) -> Check:
    """Return the check that a value is a prompt that can be read, of at most so many characters."""
    length = text(1, most)

    def check(field: str, value: Any) -> str:  # noqa: ANN401
        length(field, value)
        parse(value, field)
        return str(value)

    return check


def truth(field: str, value: Any) -> bool:  # noqa: ANN401
    """Check that a value is true or false."""
    if not isinstance(value, bool):
        raise InvalidRequest(field, say("bound-truth"))
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """Values for what a wish leaves out; None says nothing.

    Raises InvalidRequest, naming the field and its bound. That a checkpoint or a style is in the
    catalog is for whoever uses it to see.
    """

    checkpoint: str | None = None
    aspect: Aspect | None = None
    steps: int | None = None
    guidance_scale: float | None = None
    count: int | None = None
    style: str | None = None
    sampler: Sampler | None = None

    CHECKS: ClassVar[dict[str, Check]] = {
        "checkpoint": text(1, NAME_LENGTH),
        "aspect": one_of(Aspect),
        "steps": whole(*STEPS),
        "guidance_scale": number(*GUIDANCE),
        "count": whole(*COUNT),
        "style": text(1, NAME_LENGTH),
        "sampler": one_of(Sampler),
    }

    def __post_init__(self) -> None:
        for field, value in self.said().items():
            object.__setattr__(self, field, self.CHECKS[field](field, value))

    def said(self) -> dict[str, Any]:
        """Return what it says, by field."""
        every = ((field.name, getattr(self, field.name)) for field in fields(self))
        return {name: value for name, value in every if value is not None}

    def to_json(self) -> str:
        """Return what it says as JSON."""
        return json.dumps(self.said())

    @classmethod
    def from_json(cls, said: str) -> tuple[Self, list[InvalidRequest]]:
        """Return what was written, and what is wrong with the values that are left out of it.

        Fields that only a newer version knows are ignored.
        """
        good: dict[str, Any] = {}
        wrong: list[InvalidRequest] = []
        for field, value in json.loads(said).items():
            try:
                if field in cls.CHECKS:
                    good[field] = cls.CHECKS[field](field, value)
            except InvalidRequest as error:
                wrong.append(error)
        return cls(**good), wrong

"""Errors in prompts with parameters, braces or repeats.

PromptError
├── TooManyJobs      one command asks for more jobs than allowed at once
└── UnknownParameter unknown words like --this in a prompt; suggests what may have been meant
"""

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import ClassVar

from bot.texts import all_of, any_of, say


class PromptError(Exception):
    """The base class; its text is one line for the person who made the request."""


class TooManyJobs(PromptError):
    """A prompt's braces and repeats make more jobs than allowed at once."""

    def __init__(self, bound: int) -> None:
        super().__init__(bound)
        self.bound = bound

    def __str__(self) -> str:
        return say("error-too-many-jobs", most=self.bound)


class UnknownParameter(PromptError):
    """Unknown words like --this in a prompt; ``nearest`` is the closest match of each."""

    shown: ClassVar[int] = 10  # so that the line fits a message

    def __init__(self, nearest: Mapping[str, str | None], known: Iterable[str]) -> None:
        super().__init__(nearest, known)
        self.nearest = nearest
        self.known = tuple(known)

    def __str__(self) -> str:
        unknown = [
            say("error-parameter-near", name=name, near=near) if near else f"`--{name}`"
            for name, near in islice(self.nearest.items(), self.shown)
        ]
        if (more := len(self.nearest) - self.shown) > 0:
            unknown.append(say("error-parameters-more", more=more))
        known = all_of(f"`--{name}`" for name in self.known)
        return say("error-parameters-unknown", unknown=any_of(unknown), known=known)

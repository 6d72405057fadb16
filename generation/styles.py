"""Styles: named prompt templates, applied to people's prompts. Imports no torch."""

import re
from dataclasses import dataclass

from generation.errors import InvalidRequest
from generation.phrases import Phrase
from generation.prompts.adapters import AdapterUse, check_adapters
from generation.prompts.weights import parse
from generation.request import PROMPT_LENGTH

NAME_LENGTH = 100  # Discord's longest autocomplete choice
DESCRIPTION_LENGTH = 1000
PLACE = "{prompt}"
NO_STYLE = "none"  # typed to override a default style

_LENGTHS = {
    "prompt": PROMPT_LENGTH,
    "negative_prompt": PROMPT_LENGTH,
    "description": DESCRIPTION_LENGTH,
}
_BRACE = re.compile(r"[{}]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """A prompt template, which contains ``{prompt}`` once and no other braces.

    ``negative_prompt`` is added to the person's. ``checkpoints`` names those that it suits; empty
    means all. ``adapters`` are LoRAs that it draws with. Raises InvalidRequest, naming the field
    and its limit.
    """

    name: str
    prompt: str
    negative_prompt: str = ""
    description: str = ""
    checkpoints: tuple[str, ...] = ()
    age_restricted: bool = False
    adapters: tuple[AdapterUse, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= len(self.name) <= NAME_LENGTH or self.name.casefold() == NO_STYLE:
            raise InvalidRequest(
                "name", Phrase("bound-style-name", least=1, most=NAME_LENGTH, taken=NO_STYLE)
            )
        if self.prompt.count(PLACE) != 1 or _BRACE.search(self.prompt.replace(PLACE, "")):
            raise InvalidRequest("prompt", Phrase("bound-style-prompt", place=PLACE))
        check_adapters(self.adapters, "adapters")
        for field, most in _LENGTHS.items():
            text = getattr(self, field)
            if len(text) > most:
                raise InvalidRequest(field, Phrase("bound-characters-most", most=most))
            if field != "description":
                parse(text, field)

    def fits(self, checkpoint: str) -> bool:
        """Whether it suits the checkpoint of this name."""
        return not self.checkpoints or checkpoint in self.checkpoints

    def apply(self, prompt: str, negative_prompt: str) -> tuple[str, str]:
        """Return both prompts with the style applied.

        Raises InvalidRequest if the style leaves too little room for the prompt.
        """
        styled = self.prompt.replace(PLACE, prompt)
        kept_out = ", ".join(filter(None, (negative_prompt, self.negative_prompt)))
        for field, typed, whole in (
            ("prompt", prompt, styled),
            ("negative_prompt", negative_prompt, kept_out),
        ):
            if typed and (over := len(whole) - PROMPT_LENGTH) > 0:
                room = len(typed) - over
                raise InvalidRequest(
                    field, Phrase("bound-characters-with-style", most=max(0, room), style=self.name)
                )
        return styled, kept_out

"""LoRAs as the value of an option: ``ink:0.8, wash:1:0.5``."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.options.values import Value
from bot.texts.inert import inert
from generation.errors import InvalidRequest
from generation.phrases import Phrase
from generation.prompts.adapters import (
    AdapterUse,
    check_adapters,
    merge_adapters,
    read_adapter,
    tags_in,
    written,
)

SHOWN_NAME = 40  # characters of each, of which a line has up to eight


@dataclass(frozen=True, slots=True)
class Adapters(Value):
    """LoRAs, each with its weights; names that only the catalog can validate."""

    def check(self, field: str, value: Any) -> tuple[AdapterUse, ...]:  # noqa: ANN401
        """Return the LoRAs if their number and weights are valid; a text is read."""
        if isinstance(value, str):
            return self.read(field, value)
        try:
            uses = merge_adapters(AdapterUse(*one) for one in value)
        except TypeError:
            raise InvalidRequest(field, Phrase("bound-adapters-written")) from None
        check_adapters(uses, field)
        return uses

    def read(self, label: str, text: str) -> tuple[AdapterUse, ...]:
        """Return the LoRAs that a text names, parted by commas, or written as in prompts."""
        found = [read_adapter(tag, label) for tag in tags_in(text)]
        for tag in tags_in(text):
            text = text.replace(tag, ",", 1)
        said = [one.strip() for one in text.split(",") if one.strip()]
        uses = merge_adapters([*found, *(read_adapter(f"<lora:{one}>", label) for one in said)])
        check_adapters(uses, label)
        if not uses:
            raise InvalidRequest(label, Phrase("bound-adapters-written"))
        return uses

    def example(self) -> str:
        """Return one with a weight."""
        return "ink:0.8"

    def show(self, value: Iterable[AdapterUse]) -> str:
        """Return their names with their weights."""
        return ", ".join(f"{use.name} {_weights(use)}" for use in value)

    def write(self, value: Iterable[AdapterUse]) -> str:
        """Return them as they are written in prompts."""
        return " ".join(map(written, value))

    def said(self, value: Iterable[AdapterUse]) -> str | float:
        """Return them with each name shortened, and its markup escaped."""
        return ", ".join(f"{inert(use.name, SHOWN_NAME)} {_weights(use)}" for use in value)

    def cell(self, value: Iterable[AdapterUse]) -> str:
        """Return them as they are written in prompts."""
        return self.write(value)


def with_adapters(said: Mapping[str, Any]) -> str:
    """Return a prompt with its LoRAs, as people write them."""
    return " ".join((str(said.get("prompt", "")), *map(written, said.get("lora", ()))))


def _weights(use: AdapterUse) -> str:
    """Return the weight, or both where the text encoders have another."""
    both = (use.weight,) if use.text_weight == use.weight else (use.weight, use.text_weight)
    return "/".join(f"{one:g}" for one in both)

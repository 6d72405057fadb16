"""Forms that people fill in; submitted values come from the interaction, not from memory."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import discord

from bot.options.registry import Option, in_forms
from bot.options.values import Prompt
from bot.texts import say
from bot.ui.interaction import Interaction
from generation.request import PROMPT_LENGTH

# Escaped braces take two characters each, and parameters may follow.
TYPED_LENGTH = 2 * PROMPT_LENGTH + 500
NUMBER_LENGTH = 20
LONG: dict[str, Any] = {"style": discord.TextStyle.paragraph}
NEGATIVE = LONG | {"max_length": PROMPT_LENGTH, "required": False}
NUMBER: dict[str, Any] = {"max_length": NUMBER_LENGTH, "required": False}


@dataclass(frozen=True, slots=True)
class Input:
    """One input: its field, its label and description, and its look."""

    field: str
    label: str
    hint: str
    look: Mapping[str, Any]


def remix_form(custom_id: str, filled: Mapping[str, str]) -> discord.ui.Modal:
    """Return the remix form, filled in with these texts by field."""
    return modal(say("form-remix"), custom_id, map(option_input, in_forms()), filled)


def option_input(option: Option) -> Input:
    """Return an input for an option."""
    look = NEGATIVE if isinstance(option.value, Prompt) else NUMBER
    if option.required:
        look = LONG | {"max_length": TYPED_LENGTH}
    hint = "" if option.required else say(f"form-{option.key}.hint")
    return Input(option.field, say(f"form-{option.key}"), hint, look)


def modal(
    title: str, custom_id: str, inputs: Iterable[Input], filled: Mapping[str, str]
) -> discord.ui.Modal:
    """Return a form with some fields ``filled`` in, recognized by its custom id."""
    whole = discord.ui.Modal(title=title, custom_id=custom_id)
    for one in inputs:
        text = discord.ui.TextInput[discord.ui.Modal](
            custom_id=one.field, default=filled.get(one.field, ""), **one.look
        )
        about = one.hint or None
        whole.add_item(discord.ui.Label(text=one.label, description=about, component=text))
    # discord.py would keep it in memory until submitted, even if it was dismissed.
    whole.stop()
    return whole


def texts_in(interaction: Interaction) -> dict[str, str]:
    """Return the submitted texts by input id."""
    return dict(_fields(interaction.data or {}))


def _fields(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the custom id and text of every input, in labels and in rows."""
    for row in data.get("components", ()):
        for item in (row.get("component"), *row.get("components", ())):
            if item is not None:
                yield item["custom_id"], item.get("value") or ""

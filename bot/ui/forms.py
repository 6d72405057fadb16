"""Forms that people fill in; submitted values come from the interaction, not from memory."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import discord

from bot.core.discord_limits import FORM_TEXT_LENGTH
from bot.options.registry import OPTIONS, Option, in_forms
from bot.options.typography import well_formed
from bot.options.values import Prompt
from bot.texts import say
from bot.texts.inert import units
from bot.ui.interaction import Interaction

NUMBER_LENGTH = 20
LONG: dict[str, Any] = {"style": discord.TextStyle.paragraph, "max_length": FORM_TEXT_LENGTH}
NUMBER: dict[str, Any] = {"max_length": NUMBER_LENGTH, "required": False}


@dataclass(frozen=True, slots=True)
class Input:
    """One input: its field, its label and description, and its look."""

    field: str
    label: str
    hint: str
    look: Mapping[str, Any]


def remix_form(custom_id: str, filled: Mapping[str, str]) -> discord.ui.Modal:
    """Return the remix form, filled in with these texts by field.

    A text that no form can hold is not asked for: the form says that it stays.
    """
    inputs, notes = asking(in_forms(), filled)
    return modal(say("form-remix"), custom_id, inputs, filled, notes)


def asking(options: Iterable[Option], filled: Mapping[str, str]) -> tuple[list[Input], list[str]]:
    """Return the inputs for options, and notes on those whose texts no form can hold."""
    inputs, notes = [], []
    for option in options:
        if (length := units(filled.get(option.field, ""))) <= FORM_TEXT_LENGTH:
            inputs.append(option_input(option))
        else:
            name = say(f"form-{option.key}")
            notes.append(say("form-too-long", name=name, length=length, most=FORM_TEXT_LENGTH))
    return inputs, notes


def imagine_form(interaction: Interaction, filled: Mapping[str, str]) -> discord.ui.Modal:
    """Return a form with a request's prompts, which `features.imagine` takes.

    Its custom id is another each time: a second request is no double click.
    """
    inputs = [option_input(OPTIONS[one]) for one in ("prompt", "negative_prompt")]
    return modal(say("form-imagine"), f"imagine:{interaction.id}", inputs, filled)


def option_input(option: Option) -> Input:
    """Return an input for an option."""
    look = LONG | {"required": option.required} if isinstance(option.value, Prompt) else NUMBER
    hint = "" if option.required else say(f"form-{option.key}.hint")
    return Input(option.field, say(f"form-{option.key}"), hint, look)


def modal(
    title: str,
    custom_id: str,
    inputs: Iterable[Input],
    filled: Mapping[str, str],
    notes: Iterable[str] = (),
) -> discord.ui.Modal:
    """Return a form below ``notes``, with some fields ``filled`` in, known by its custom id."""
    whole = discord.ui.Modal(title=title, custom_id=custom_id)
    for note in notes:
        whole.add_item(discord.ui.TextDisplay(note))
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
                yield item["custom_id"], well_formed(item.get("value") or "")

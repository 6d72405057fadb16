"""Forms that people fill in; what comes back is read from the interaction, not from memory."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import discord

from bot.services.remixing import Form
from bot.services.requests import DEFAULT_STRENGTH
from bot.texts import say
from generation.request import PROMPT_LENGTH

# Escaped braces take two characters each, and parameters may follow.
TYPED_LENGTH = 2 * PROMPT_LENGTH + 500
NUMBER_LENGTH = 20
LONG: dict[str, Any] = {"style": discord.TextStyle.paragraph}
NEGATIVE = LONG | {"max_length": PROMPT_LENGTH, "required": False}
NUMBER: dict[str, Any] = {"max_length": NUMBER_LENGTH, "required": False}
SOURCE = re.compile(r"source:(?P<sha256>[0-9a-f]{64})(?P<private>:private)?")


@dataclass(frozen=True, slots=True)
class Input:
    """One input: the field that it fills, what stands above and below that, and how it looks."""

    field: str
    label: str
    hint: str
    look: Mapping[str, Any]


def remix_form(custom_id: str, form: Form) -> discord.ui.Modal:
    """Return the form of a remix, filled in."""
    inputs = (
        Input("prompt", say("form-prompt"), "", LONG | {"max_length": TYPED_LENGTH}),
        Input(
            "negative_prompt",
            say("form-negative-prompt"),
            say("form-negative-prompt-hint"),
            NEGATIVE,
        ),
        Input("seed", say("form-seed"), say("form-seed.hint"), NUMBER),
        Input("guidance_scale", say("form-guidance"), say("form-guidance.hint"), NUMBER),
        Input("steps", say("form-steps"), say("form-steps.hint"), NUMBER),
    )
    filled = {one.field: getattr(form, one.field) for one in inputs}
    return modal(say("form-remix"), custom_id, inputs, filled)


def source_form(sha256: str, others: int, *, private: bool) -> discord.ui.Modal:
    """Return the form that asks what to make of a picture; ``others`` were in the message, too.

    What is made of a picture that only one person saw is ``private`` as well.
    """
    hint = say("form-source-prompt-first", others=others) if others else say("form-source-prompt")
    inputs = (
        Input("prompt", say("form-prompt"), hint, LONG | {"max_length": TYPED_LENGTH}),
        Input(
            "negative_prompt",
            say("form-negative-prompt"),
            say("form-negative-prompt-hint"),
            NEGATIVE,
        ),
        Input("strength", say("form-strength"), say("form-strength-hint"), NUMBER),
    )
    filled = {"strength": f"{DEFAULT_STRENGTH:g}"}
    return modal(
        say("form-source"), f"source:{sha256}" + (":private" if private else ""), inputs, filled
    )


def modal(
    title: str, custom_id: str, inputs: Iterable[Input], filled: Mapping[str, str]
) -> discord.ui.Modal:
    """Return a form with some of its fields ``filled`` in, which is known by its custom id."""
    whole = discord.ui.Modal(title=title, custom_id=custom_id)
    for one in inputs:
        text = discord.ui.TextInput[discord.ui.Modal](
            custom_id=one.field, default=filled.get(one.field, ""), **one.look
        )
        about = one.hint or None
        whole.add_item(discord.ui.Label(text=one.label, description=about, component=text))
    # discord.py would wait in memory for it to come back, even where it was closed unsent.
    whole.stop()
    return whole


def texts_in(interaction: discord.Interaction[Any]) -> dict[str, str]:
    """Return what came back, by the inputs' ids."""
    return dict(_fields(interaction.data or {}))


def filled_in(interaction: discord.Interaction[Any]) -> Form:
    """Return a remix that came back; a field that is missing counts as empty."""
    fields = texts_in(interaction)
    return Form(**{name: fields.get(name, "") for name in Form.__slots__})


def _fields(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield custom id and text of every input, in labels and in rows."""
    for row in data.get("components", ()):
        for item in (row.get("component"), *row.get("components", ())):
            if item is not None:
                yield item["custom_id"], item.get("value") or ""

"""Forms that people fill in; what comes back is read from the interaction, not from memory."""

from collections.abc import Iterator, Mapping
from typing import Any

import discord

from bot.services.remixing import Form
from generation.request import PROMPT_LENGTH

# Escaped braces take two characters each, and parameters may follow.
TYPED_LENGTH = 2 * PROMPT_LENGTH + 500
NUMBER_LENGTH = 20


def remix_form(custom_id: str, form: Form) -> discord.ui.Modal:
    """Return the form of a remix, filled in."""
    modal = discord.ui.Modal(title="Remix", custom_id=custom_id)
    long = discord.TextStyle.paragraph
    for field, label, hint, look in (
        ("prompt", "Prompt", "", {"style": long, "max_length": TYPED_LENGTH}),
        (
            "negative_prompt",
            "Negative prompt",
            "What to keep out of the picture",
            {"style": long, "max_length": PROMPT_LENGTH, "required": False},
        ),
        ("seed", "Seed", "Empty for a new one", {"required": False}),
        ("guidance_scale", "Guidance", "Empty for the checkpoint's own", {"required": False}),
        ("steps", "Steps", "Empty for the checkpoint's own", {"required": False}),
    ):
        look = {"max_length": NUMBER_LENGTH, "default": getattr(form, field), **look}
        modal.add_item(
            discord.ui.Label(
                text=label,
                description=hint or None,
                component=discord.ui.TextInput(custom_id=field, **look),
            )
        )
    # discord.py would wait in memory for it to come back, even where it was closed unsent.
    modal.stop()
    return modal


def filled_in(interaction: discord.Interaction[Any]) -> Form:
    """Return what came back; a field that is missing counts as empty."""
    fields = dict(_fields(interaction.data or {}))
    return Form(**{name: fields.get(name, "") for name in Form.__slots__})


def _fields(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield custom id and text of every input, in labels and in rows."""
    for row in data.get("components", ()):
        for item in (row.get("component"), *row.get("components", ())):
            if item is not None:
                yield item["custom_id"], item.get("value") or ""

"""Buttons as they are sent to Discord; their clicks are recognized by custom id."""

from collections.abc import Iterable, Sequence
from typing import Any

import discord

Component = dict[str, Any]  # of Discord's API


class Buttons(discord.ui.View):
    """Rows of buttons, each made by `button`; none for a message that loses them.

    discord.py need not know them one by one: making its items of them, and those into components
    again, took longer than anything else of a message. It need not track them, either: for an
    ephemeral reply it would forget them after 15 minutes.
    """

    def __init__(self, rows: Iterable[Sequence[Component]] = ()) -> None:
        super().__init__(timeout=None)
        self.stop()
        row = discord.ComponentType.action_row.value
        self._rows: list[dict[str, Any]] = [
            {"type": row, "components": list(buttons)} for buttons in rows if buttons
        ]

    def to_components(self) -> list[dict[str, Any]]:
        """Return the rows as Discord takes them."""
        return self._rows

    @property
    def buttons(self) -> list[Component]:
        """All of them, row by row."""
        return [one for row in self._rows for one in row["components"]]


def button(
    custom_id: object,
    label: str,
    emoji: str | None = None,
    style: discord.ButtonStyle = discord.ButtonStyle.secondary,
    **more: Any,  # noqa: ANN401
) -> Component:
    """Return a button as Discord takes it; ``more`` are other fields of a component."""
    made: Component = {
        "type": discord.ComponentType.button.value,
        "style": style.value,
        "label": label,
        "custom_id": str(custom_id),
        **more,
    }
    if emoji is not None:
        made["emoji"] = {"id": None, "name": emoji}
    return made

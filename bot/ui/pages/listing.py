"""Paged lists for moderators."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import discord

from bot.ui.interaction import Interaction
from bot.ui.interaction_context import check_moderator
from bot.ui.pages.paging import Load, Pager
from bot.ui.views import PrivateView


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a list, and the id that the next page starts before."""

    id: int
    text: str


class ModeratorView(PrivateView):
    """Buttons that check on every click that the person is still a moderator."""

    async def interaction_check(self, interaction: discord.Interaction[Any], /) -> bool:
        """Refuse people who are no longer moderators."""
        await super().interaction_check(interaction)
        check_moderator(interaction)
        return True


class Listing(ModeratorView, Pager[Line]):
    """Lines below a title."""

    def __init__(self, title: str, load: Load[Line], interaction: Interaction) -> None:
        super().__init__(load, interaction)
        self._title = title

    async def page(self, shown: Sequence[Line]) -> dict[str, Any]:
        """Return the lines in an embed."""
        text = "\n".join(one.text for one in shown) or None
        return {"embeds": [discord.Embed(title=self._title, description=text)]}

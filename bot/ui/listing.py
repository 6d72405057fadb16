"""Lists that a moderator turns the pages of."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import discord

from bot.texts import say
from bot.ui.asking import check_moderator
from bot.ui.views import PrivateView

PAGE = 10


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a list, and the id that the next page comes before."""

    id: int
    text: str


Load = Callable[[int | None, int], Awaitable[Sequence[Line]]]


class ModeratorView(PrivateView):
    """Buttons that ask with every click whether who clicks moderates here still."""

    async def interaction_check(self, interaction: discord.Interaction[Any], /) -> bool:
        """Refuse whoever is no moderator any more."""
        await super().interaction_check(interaction)
        check_moderator(interaction)
        return True


class Listing(ModeratorView):
    """Lines, newest first, that ``load`` returns: those before an id, as many as asked for."""

    def __init__(self, title: str, load: Load, asked: discord.Interaction[Any]) -> None:
        super().__init__(asked)
        self._title, self._load = title, load
        self._starts: list[int | None] = [None]  # of the pages so far: what each comes before
        self._next: int | None = None
        self.newer.label, self.older.label = say("button-newer"), say("button-older")

    async def show(self, nothing: str) -> None:
        """Answer the deferred interaction with the first page, or with what to say of none."""
        page = await self._page()
        if page is None:
            await self._asked.edit_original_response(content=nothing)
        elif self._next is None:
            await self._asked.edit_original_response(embed=page)
        else:
            await self._asked.edit_original_response(embed=page, view=self)

    async def _page(self) -> discord.Embed | None:
        found = await self._load(self._starts[-1], PAGE + 1)
        shown = found[:PAGE]
        self._next = shown[-1].id if len(found) > PAGE else None
        self.newer.disabled = len(self._starts) == 1
        self.older.disabled = self._next is None
        if not shown:
            return None
        return discord.Embed(title=self._title, description="\n".join(one.text for one in shown))

    async def _turn(self, interaction: discord.Interaction[Any]) -> None:
        await interaction.response.defer()
        page = await self._page() or discord.Embed(title=self._title)
        await interaction.edit_original_response(embed=page, view=self)

    @discord.ui.button(emoji="◀️")
    async def newer(
        self, interaction: discord.Interaction[Any], _: discord.ui.Button["Listing"]
    ) -> None:
        """Turn back."""
        if len(self._starts) > 1:
            self._starts.pop()
        await self._turn(interaction)

    @discord.ui.button(emoji="▶️")
    async def older(
        self, interaction: discord.Interaction[Any], _: discord.ui.Button["Listing"]
    ) -> None:
        """Turn on."""
        if self._next is not None:
            self._starts.append(self._next)
        await self._turn(interaction)

"""Pagination for one person."""

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, Protocol, TypeVar

import discord

from bot.texts import say
from bot.ui.delivery.private_answer import answer_privately, preparing
from bot.ui.interaction import Interaction
from bot.ui.views import PrivateView


class Numbered(Protocol):
    """An entry with an id, by which pages continue."""

    @property
    def id(self) -> int:
        """The id."""


Entry = TypeVar("Entry", bound=Numbered)
Load = Callable[[int | None, int], Awaitable[Sequence[Entry]]]


class Pager(PrivateView, Generic[Entry]):
    """Pages of what ``load`` returns: up to a number of entries that follow an id."""

    page_length = 10

    def __init__(self, load: Load[Entry], interaction: Interaction) -> None:
        super().__init__(interaction)
        self._load = load
        self._starts: list[int | None] = [None]  # for each page so far, the id it follows
        self._next: int | None = None
        self.newer.label, self.older.label = say("button-newer"), say("button-older")

    async def show(self, nothing: str) -> None:
        """Answer with the first page, or a line if it is empty; it may be deferred already."""
        async with preparing(self._asked):
            shown = await self._read()
            page = await self.page(shown) if shown else {"content": nothing}
        await answer_privately(self._asked, **page, view=self._buttons() if shown else None)

    async def turn(self, interaction: Interaction) -> None:
        """Answer a click with the current page."""
        await interaction.response.defer()
        self._asked = interaction
        shown = await self._read()
        await interaction.edit_original_response(**await self.page(shown), view=self._buttons())

    @abstractmethod
    async def page(self, shown: Sequence[Entry]) -> dict[str, Any]:
        """Return the message for these entries, as arguments of discord.py's ``edit``."""

    def turned(self) -> None:
        """Reset the state of the previous page."""

    async def _read(self) -> Sequence[Entry]:
        found = await self._load(self._starts[-1], self.page_length + 1)
        shown = found[: self.page_length]
        self._next = shown[-1].id if len(found) > self.page_length else None
        self.newer.disabled = len(self._starts) == 1
        self.older.disabled = self._next is None
        return shown

    def _buttons(self) -> "Pager[Entry] | None":
        """Return the view, or None if it has no use."""
        return None if len(self._starts) == 1 and self._next is None else self

    @discord.ui.button(emoji="◀️", row=0)
    async def newer(self, interaction: Interaction, _: discord.ui.Button["Pager[Entry]"]) -> None:
        """Go to the previous page."""
        if len(self._starts) > 1:
            self._starts.pop()
        self.turned()
        await self.turn(interaction)

    @discord.ui.button(emoji="▶️", row=0)
    async def older(self, interaction: Interaction, _: discord.ui.Button["Pager[Entry]"]) -> None:
        """Go to the next page."""
        if self._next is not None:
            self._starts.append(self._next)
            self._next = None  # until the page has loaded, another click does nothing
        self.turned()
        await self.turn(interaction)

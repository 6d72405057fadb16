"""Pages that one person turns."""

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, Protocol, TypeVar

import discord

from bot.texts import say
from bot.ui.interaction import Interaction
from bot.ui.views import PrivateView


class Numbered(Protocol):
    """Something with a number, which says what comes on the next page."""

    @property
    def id(self) -> int:
        """The number."""


Entry = TypeVar("Entry", bound=Numbered)
Load = Callable[[int | None, int], Awaitable[Sequence[Entry]]]


class Pager(PrivateView, Generic[Entry]):
    """What ``load`` returns: those that follow the entry with a number, as many as asked for."""

    page_length = 10

    def __init__(self, load: Load[Entry], interaction: Interaction) -> None:
        super().__init__(interaction)
        self._load = load
        self._starts: list[int | None] = [None]  # of the pages so far: what each follows
        self._next: int | None = None
        self.newer.label, self.older.label = say("button-newer"), say("button-older")

    async def show(self, nothing: str) -> None:
        """Answer the deferred interaction with the first page, or with what to say of none."""
        shown = await self._read()
        if not shown:
            await self._asked.edit_original_response(content=nothing)
            return
        await self._asked.edit_original_response(**await self.page(shown), view=self._buttons())

    async def turn(self, interaction: Interaction) -> None:
        """Answer a click with the page as it is now."""
        await interaction.response.defer()
        self._asked = interaction
        shown = await self._read()
        await interaction.edit_original_response(**await self.page(shown), view=self._buttons())

    @abstractmethod
    async def page(self, shown: Sequence[Entry]) -> dict[str, Any]:
        """Return how a message shows these entries, as discord.py's ``edit`` takes it."""

    def turned(self) -> None:
        """Forget what held for the page before."""

    async def _read(self) -> Sequence[Entry]:
        found = await self._load(self._starts[-1], self.page_length + 1)
        shown = found[: self.page_length]
        self._next = shown[-1].id if len(found) > self.page_length else None
        self.newer.disabled = len(self._starts) == 1
        self.older.disabled = self._next is None
        return shown

    def _buttons(self) -> "Pager[Entry] | None":
        """Return the view, or None where it could do nothing."""
        return None if len(self._starts) == 1 and self._next is None else self

    @discord.ui.button(emoji="◀️", row=0)
    async def newer(self, interaction: Interaction, _: discord.ui.Button["Pager[Entry]"]) -> None:
        """Turn back."""
        if len(self._starts) > 1:
            self._starts.pop()
        self.turned()
        await self.turn(interaction)

    @discord.ui.button(emoji="▶️", row=0)
    async def older(self, interaction: Interaction, _: discord.ui.Button["Pager[Entry]"]) -> None:
        """Turn on."""
        if self._next is not None:
            self._starts.append(self._next)
            self._next = None  # until the page is there, another click turns no further
        self.turned()
        await self.turn(interaction)

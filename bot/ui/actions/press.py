"""One press of a job button: who pressed it where, and what an action can reach."""

import logging
import re
from abc import abstractmethod
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self, TypeVar

import discord

from bot.core.admission.request_context import Actor, RequestContext
from bot.core.errors import NothingToDo
from bot.db.records import Job
from bot.texts import say, speak
from bot.ui import errors
from bot.ui.interaction import Interaction, app_of
from bot.ui.interaction_context import actor_of, request_context_of
from bot.ui.trouble import TROUBLE, describe

if TYPE_CHECKING:
    from bot.app import App

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Press:
    """A press of a job button, or a submission of its form, by somebody with the right to it.

    ``custom_id`` is the button's, with the job's mark.
    """

    interaction: Interaction
    job: Job
    custom_id: str
    index: int | None = None

    @property
    def picture(self) -> int:
        """The picture it is about; raises NothingToDo if it names none."""
        if self.index is None:
            raise NothingToDo(say("error-button-unknown"))
        return self.index

    @property
    def actor(self) -> Actor:
        """Who acts."""
        return actor_of(self.interaction)

    @property
    def context(self) -> RequestContext:
        """Who requests a job, and where."""
        return request_context_of(self.interaction)

    @property
    def app(self) -> "App":
        """The application, for everything else."""
        return app_of(self.interaction)


class Named(Protocol):
    """An action; its ``name`` is part of custom ids, so it never changes."""

    name: ClassVar[str]


Action = TypeVar("Action", bound=Named)


class Actions(dict[str, Action]):
    """Actions by name, in the order of their buttons."""

    def register(self, *actions: Action) -> None:
        """Add actions; raises ValueError if a name is taken, or does not fit a custom id."""
        for action in actions:
            if action.name in self or not re.fullmatch("[a-z]+", action.name):
                raise ValueError(f"an action cannot be called {action.name!r}")
            self[action.name] = action


class LastingButton:
    """The base of our dynamic items, recognized by custom id across releases.

    discord.py only logs what a dynamic item raises, so everything except parsing happens in
    `pressed`, and the person always gets a reply.
    """

    @classmethod
    @abstractmethod
    def parse(cls, match: re.Match[str]) -> Self:
        """Return the button with this custom id."""

    @abstractmethod
    async def pressed(self, interaction: Interaction) -> None:
        """Perform the button's action."""

    @classmethod
    async def from_custom_id(
        cls,
        interaction: discord.Interaction[Any],  # noqa: ARG003
        item: discord.ui.Item[Any],  # noqa: ARG003
        match: re.Match[str],
        /,
    ) -> Self:
        """Parse only: an error here would reach nobody."""
        return cls.parse(match)

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Perform the button's action; every error becomes an ephemeral reply."""
        speak(str(interaction.locale))
        try:
            await self.pressed(interaction)
        except Exception as error:  # noqa: BLE001
            await errors.answer(interaction, error)


async def once(interaction: Interaction, custom_id: str, work: Coroutine[Any, Any, None]) -> None:
    """Handle a click; the second of a double click is only acknowledged.

    It needs no reply of its own, since the first one's is on its way. Raises what the work raises,
    and then the next click counts.
    """
    clicks = app_of(interaction).clicks
    if not clicks.count(interaction.user.id, custom_id, interaction.created_at):
        work.close()
        try:
            await interaction.response.defer()
        except TROUBLE as error:  # as when Discord delivers a click twice
            log.info("a double click was not acknowledged: %s", describe(error))
        return
    try:
        await work
    except Exception:
        clicks.forget(interaction.user.id, custom_id)
        raise

"""One press of a button on a job: who pressed it where, and what an action reaches."""

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
    """Somebody pressed a button on a job, or sent its form back, and has the right to.

    ``custom_id`` is the button's, with the job's mark.
    """

    interaction: Interaction
    job: Job
    custom_id: str
    index: int | None = None

    @property
    def picture(self) -> int:
        """Which of the job's pictures it is about; raises NothingToDo where it does not say."""
        if self.index is None:
            raise NothingToDo(say("error-button-unknown"))
        return self.index

    @property
    def actor(self) -> Actor:
        """Who acts."""
        return actor_of(self.interaction)

    @property
    def context(self) -> RequestContext:
        """Who asks for a job, and where."""
        return request_context_of(self.interaction)

    @property
    def app(self) -> "App":
        """Whatever an action may need."""
        return app_of(self.interaction)


class Named(Protocol):
    """An action; its ``name`` stands in custom ids, so it never changes."""

    name: ClassVar[str]


Action = TypeVar("Action", bound=Named)


class Actions(dict[str, Action]):
    """Actions by their names, in the order of their buttons."""

    def register(self, *actions: Action) -> None:
        """Add actions; raises ValueError where a name is another's, or fits no custom id."""
        for action in actions:
            if action.name in self or not re.fullmatch("[a-z]+", action.name):
                raise ValueError(f"an action cannot be called {action.name!r}")
            self[action.name] = action


class LastingButton:
    """What our dynamic items have in common: they are known by their custom ids, from any release.

    discord.py logs what a dynamic item raises and tells nobody, so everything but the parsing
    happens in `pressed`, and the person is answered whatever goes wrong.
    """

    @classmethod
    @abstractmethod
    def parse(cls, match: re.Match[str]) -> Self:
        """Return the button with this custom id."""

    @abstractmethod
    async def pressed(self, interaction: Interaction) -> None:
        """Do what the button says."""

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
        """Do what the button says; every error becomes a private line."""
        speak(str(interaction.locale))
        try:
            await self.pressed(interaction)
        except Exception as error:  # noqa: BLE001
            await errors.answer(interaction, error)


async def once(interaction: Interaction, custom_id: str, work: Coroutine[Any, Any, None]) -> None:
    """Do the work of a click; the second of a double click is acknowledged, and that is all.

    It says nothing: the first one's answer is on its way to the same person. Raises what the work
    does, and then the next click counts.
    """
    clicks = app_of(interaction).clicks
    if not clicks.count(interaction.user.id, custom_id, interaction.created_at):
        work.close()
        try:
            await interaction.response.defer()
        except TROUBLE as error:  # as when Discord delivers one click twice
            log.info("a double click was not acknowledged: %s", describe(error))
        return
    try:
        await work
    except Exception:
        clicks.forget(interaction.user.id, custom_id)
        raise

"""Buttons and menus in ephemeral replies, as long as those can be edited."""

import logging
from typing import Any
from weakref import WeakSet

import discord

from bot.texts import say, speak
from bot.ui import errors
from bot.ui.interaction import Interaction, app_of
from bot.ui.trouble import TROUBLE, describe

log = logging.getLogger(__name__)

PATIENCE_S = 600.0  # well within the lifetime of the token that later removes the buttons

_shown: "WeakSet[PrivateView]" = WeakSet()


class PrivateView(discord.ui.View):
    """A view below the ephemeral reply to ``interaction``; it is removed after its timeout.

    A click handler that edits the reply makes that click the new ``_asked``: the newest token lives
    longest.
    """

    def __init__(self, interaction: Interaction, timeout: float = PATIENCE_S) -> None:
        super().__init__(timeout=timeout)
        self._asked = interaction
        _shown.add(self)

    async def interaction_check(self, interaction: discord.Interaction[Any], /) -> bool:
        """Set the person's language; only they can see the buttons.

        Raises CommandOnCooldown if they click too fast.
        """
        speak(str(interaction.locale))
        app_of(interaction).cooldowns.click(interaction)
        return True

    async def on_timeout(self) -> None:
        """Remove the buttons."""
        self.stop()
        await self.leave(view=None)

    async def leave(self, **last: Any) -> None:  # noqa: ANN401
        """Edit the reply for the last time; one that is gone or too old is left alone."""
        try:
            await self._asked.edit_original_response(**last)
        except TROUBLE as error:
            log.info("a private answer keeps its buttons: %s", describe(error))

    async def on_error(
        self, interaction: discord.Interaction[Any], error: Exception, _: discord.ui.Item[Any], /
    ) -> None:
        """Reply with the error."""
        await errors.answer(interaction, error)


async def orphaned(interaction: Interaction, custom_id: str) -> None:
    """Reply to a click on a button without a view, as after a restart."""
    if any(_id(item) == custom_id for view in _shown for item in view.children):
        return  # discord.py dispatches it
    speak(str(interaction.locale))
    try:
        await interaction.response.send_message(say("error-page-old"), ephemeral=True)
    except TROUBLE as error:
        log.info("a click on an old answer was not answered: %s", describe(error))


def _id(item: discord.ui.Item[Any]) -> str | None:
    return getattr(item, "custom_id", None)

"""Buttons and menus in an answer that one person sees, for as long as it can be edited."""

import logging
from typing import Any
from weakref import WeakSet

import discord

from bot.texts import say, speak
from bot.ui import errors
from bot.ui.interaction import Interaction, app_of
from bot.ui.trouble import TROUBLE, describe

log = logging.getLogger(__name__)

PATIENCE_S = 600.0  # well inside the life of the token that takes the buttons away again

_shown: "WeakSet[PrivateView]" = WeakSet()


class PrivateView(discord.ui.View):
    """Below the private answer to ``interaction``; it goes after its time, and leaves the answer.

    Whoever answers a click by editing that answer takes the click for ``_asked``: the token of the
    newest lives longest.
    """

    def __init__(self, interaction: Interaction, timeout: float = PATIENCE_S) -> None:
        super().__init__(timeout=timeout)
        self._asked = interaction
        _shown.add(self)

    async def interaction_check(self, interaction: discord.Interaction[Any], /) -> bool:
        """Speak the person's language; Discord lets nobody else see the buttons.

        Raises CommandOnCooldown where they are too fast.
        """
        speak(str(interaction.locale))
        app_of(interaction).cooldowns.click(interaction)
        return True

    async def on_timeout(self) -> None:
        """Take the buttons away."""
        self.stop()
        await self.leave(view=None)

    async def leave(self, **last: Any) -> None:  # noqa: ANN401
        """Edit the answer for the last time; one that is gone, or too old, stays as it is."""
        try:
            await self._asked.edit_original_response(**last)
        except TROUBLE as error:
            log.info("a private answer keeps its buttons: %s", describe(error))

    async def on_error(
        self, interaction: discord.Interaction[Any], error: Exception, _: discord.ui.Item[Any], /
    ) -> None:
        """Answer the person."""
        await errors.answer(interaction, error)


async def orphaned(interaction: Interaction, custom_id: str) -> None:
    """Answer a click on what belongs to no view any more, as after a restart."""
    if any(_id(item) == custom_id for view in _shown for item in view.children):
        return  # discord.py brings it there
    speak(str(interaction.locale))
    try:
        await interaction.response.send_message(say("error-page-old"), ephemeral=True)
    except TROUBLE as error:
        log.info("a click on an old answer was not answered: %s", describe(error))


def _id(item: discord.ui.Item[Any]) -> str | None:
    return getattr(item, "custom_id", None)

"""/mod: what moderators see and do; the files beside this one add their commands to the group."""

from typing import Any

import discord
from discord import app_commands

from bot.texts import say
from bot.ui.command_places import in_servers_only
from bot.ui.cooldowns import OFTEN
from bot.ui.interaction_context import check_moderator


@app_commands.default_permissions(moderate_members=True)
@in_servers_only
class Moderation(app_commands.Group):
    """Whatever `add_command` puts into it: a command, or a group of them."""

    def __init__(self) -> None:
        super().__init__(name="mod", description=say("command-mod"), extras={OFTEN: True})

    async def interaction_check(self, interaction: discord.Interaction[Any], /) -> bool:
        """Check in code, too: a server's owner can hand a command to anyone in its settings.

        It is not asked for the commands of groups in this one, which check for themselves.
        """
        check_moderator(interaction)
        return True

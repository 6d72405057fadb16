"""The /mod group; the files beside this one add their commands to it."""

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
    """The group for commands and subgroups added with `add_command`."""

    def __init__(self) -> None:
        super().__init__(name="mod", description=say("command-mod"), extras={OFTEN: True})

    async def interaction_check(self, interaction: discord.Interaction[Any], /) -> bool:
        """Check in code too: a server's owner can make a command available to anybody.

        discord.py does not call this for commands of subgroups, which check for themselves.
        """
        check_moderator(interaction)
        return True

"""Commands that somebody gives over and over: five in ten seconds are answered, of each.

Of those that are needed quickly, ten are: cancelling, and what moderators do. Those that make jobs
are left alone: the policy counts what they ask for.
"""

from collections import OrderedDict
from typing import Any

import discord
from discord import app_commands

# In a command's extras, or in its group's.
UNDER_POLICY = "under_policy"
OFTEN = "often"
RATE, RATE_OFTEN, PER_S = 5, 10, 10.0
REMEMBERED = 1000


class Cooldowns:
    """Who gave which command in the last moments.

    It is a courtesy, so a restart may forget it. The moments are Discord's, as for `Clicks`.
    """

    def __init__(self) -> None:
        self._given: OrderedDict[tuple[int, str], app_commands.Cooldown] = OrderedDict()

    def __len__(self) -> int:
        return len(self._given)

    def check(self, interaction: discord.Interaction[Any]) -> None:
        """Count a command that was given; raise CommandOnCooldown where there were enough."""
        command = interaction.command
        given = interaction.type is discord.InteractionType.application_command
        if not given or command is None or command.extras.get(UNDER_POLICY):
            return
        key = (interaction.user.id, command.qualified_name)
        cooldown = self._given.setdefault(key, app_commands.Cooldown(_rate(command), PER_S))
        self._given.move_to_end(key)
        if len(self._given) > REMEMBERED:
            self._given.popitem(last=False)
        wait = cooldown.update_rate_limit(interaction.created_at.timestamp())
        if wait is not None:
            raise app_commands.CommandOnCooldown(cooldown, wait)


def _rate(command: app_commands.Command[Any, ..., Any] | app_commands.ContextMenu) -> int:
    group = command.root_parent if isinstance(command, app_commands.Command) else None
    often = command.extras.get(OFTEN) or (group is not None and group.extras.get(OFTEN))
    return RATE_OFTEN if often else RATE

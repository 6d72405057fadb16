"""Rate limits: what one person may do in ten seconds.

Five uses of a command; ten of those needed quickly (cancelling, moderation). Ten clicks; forty in
panels where cells are picked. Ten
requests that fail; one that becomes a job is given back, since admission counts jobs. Files count
both ways: five fetched, eight posted in ephemeral replies.
"""

from bisect import bisect_right, insort
from collections import OrderedDict
from typing import Any

import discord
from discord import app_commands

from bot.ui.interaction import Interaction

# In the extras of a command or its group.
UNDER_POLICY = "under_policy"
OFTEN = "often"
RATE, RATE_OFTEN, PER_S = 5, 10, 10.0
WISHES, CLICKS, PICKS, FETCHED, POSTED = 10, 10, 40, 5, 8
REMEMBERED = 5000


class Cooldowns:
    """Each person's recent actions.

    Forgetting them in a restart does no harm. Times are Discord's, as for `Clicks`.
    """

    def __init__(self) -> None:
        # Times and interactions, by person and kind of action.
        self._done: OrderedDict[tuple[int, str], list[tuple[float, int]]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._done)

    def check(self, interaction: Interaction) -> None:
        """Count a command; raises CommandOnCooldown at the limit."""
        command = interaction.command
        given = interaction.type is discord.InteractionType.application_command
        if not given or command is None:
            return
        if command.extras.get(UNDER_POLICY):
            self.request(interaction)
        else:
            self._count(interaction, command.qualified_name, _rate(command))

    def request(self, interaction: Interaction) -> None:
        """Count a request for a job; raises CommandOnCooldown."""
        self._count(interaction, "wish", WISHES)

    def granted(self, interaction: Interaction) -> None:
        """Give back a counted request that became a job."""
        done = self._done.get((interaction.user.id, "wish"), [])
        done[:] = [one for one in done if one[1] != interaction.id]

    def click(self, interaction: Interaction) -> None:
        """Count a click that makes no job; raises CommandOnCooldown."""
        self._count(interaction, "click", CLICKS)

    def pick(self, interaction: Interaction) -> None:
        """Count a click on a cell or a tool of a panel; raises CommandOnCooldown."""
        self._count(interaction, "pick", PICKS)

    def fetch(self, interaction: Interaction) -> None:
        """Count a file to be fetched; raises CommandOnCooldown."""
        self._count(interaction, "fetch", FETCHED)

    def post(self, interaction: Interaction, files: int) -> None:
        """Count files posted for one person only; raises CommandOnCooldown."""
        self._count(interaction, "post", POSTED, files)

    def _count(self, interaction: Interaction, what: str, rate: int, amount: int = 1) -> None:
        key, now = (interaction.user.id, what), interaction.created_at.timestamp()
        done = self._done.setdefault(key, [])
        self._done.move_to_end(key)
        if len(self._done) > REMEMBERED:
            self._done.popitem(last=False)
        del done[: bisect_right(done, now - PER_S, key=lambda one: one[0])]
        if (over := len(done) + amount - rate) > 0:
            wait = done[min(over, len(done)) - 1][0] + PER_S - now if done else PER_S
            raise app_commands.CommandOnCooldown(app_commands.Cooldown(rate, PER_S), wait)
        for _ in range(amount):
            insort(done, (now, interaction.id))


def _rate(command: app_commands.Command[Any, ..., Any] | app_commands.ContextMenu) -> int:
    group = command.root_parent if isinstance(command, app_commands.Command) else None
    often = command.extras.get(OFTEN) or (group is not None and group.extras.get(OFTEN))
    return RATE_OFTEN if often else RATE

"""Where commands are offered: as a rule wherever somebody can take the bot along."""

from typing import TypeVar

from discord import app_commands

Offered = TypeVar("Offered")

# Servers that invited the bot, and people who installed it for themselves.
INSTALLS = app_commands.AppInstallationType(guild=True, user=True)
CONTEXTS = app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=True)


def in_servers_only(offered: Offered) -> Offered:
    """Offer a group of commands in servers that invited the bot, and nowhere else."""
    for narrow in (
        app_commands.guild_only(),
        app_commands.allowed_installs(guilds=True, users=False),
        app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False),
    ):
        offered = narrow(offered)
    return offered

"""Where commands are offered: as a rule wherever somebody can take the bot along."""

from dataclasses import dataclass
from typing import TypeVar

from discord import app_commands

Offered = TypeVar("Offered")


@dataclass(frozen=True, slots=True)
class Places:
    """By whom the bot may be installed, and in which kinds of channels commands are offered."""

    installs: app_commands.AppInstallationType
    contexts: app_commands.AppCommandContext


def offered(*, direct_messages: bool, user_installs: bool) -> Places:
    """Return servers that invited the bot, and what else its owner offers.

    Only who installed the bot for themselves can take it into messages among others.
    """
    return Places(
        app_commands.AppInstallationType(guild=True, user=user_installs),
        app_commands.AppCommandContext(
            guild=True, dm_channel=direct_messages, private_channel=user_installs
        ),
    )


EVERYWHERE = offered(direct_messages=True, user_installs=True)


def in_servers_only(offered: Offered) -> Offered:
    """Offer a group of commands in servers that invited the bot, and nowhere else."""
    for narrow in (
        app_commands.guild_only(),
        app_commands.allowed_installs(guilds=True, users=False),
        app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False),
    ):
        offered = narrow(offered)
    return offered

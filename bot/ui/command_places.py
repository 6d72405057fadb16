"""Where commands are available: by default wherever the bot can be installed or used."""

from dataclasses import dataclass
from typing import TypeVar

from discord import app_commands

Offered = TypeVar("Offered")


@dataclass(frozen=True, slots=True)
class Places:
    """Who may install the bot, and in which kinds of channels commands are available."""

    installs: app_commands.AppInstallationType
    contexts: app_commands.AppCommandContext


def offered(*, direct_messages: bool, user_installs: bool) -> Places:
    """Return servers that invited the bot, and whatever else its owner allows.

    Only people with a user install can use it in messages among others.
    """
    return Places(
        app_commands.AppInstallationType(guild=True, user=user_installs),
        app_commands.AppCommandContext(
            guild=True, dm_channel=direct_messages, private_channel=user_installs
        ),
    )


EVERYWHERE = offered(direct_messages=True, user_installs=True)


def in_servers_only(offered: Offered) -> Offered:
    """Make a group of commands available only in servers that invited the bot."""
    for narrow in (
        app_commands.guild_only(),
        app_commands.allowed_installs(guilds=True, users=False),
        app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False),
    ):
        offered = narrow(offered)
    return offered

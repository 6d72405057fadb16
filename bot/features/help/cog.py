"""/help: an overview generated from the command tree."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.texts import all_of, say, spoken
from bot.ui.eyes import permissions_in_server
from bot.ui.interaction import Interaction

if TYPE_CHECKING:
    from bot.app import App

MENUS = {"message": discord.AppCommandType.message, "person": discord.AppCommandType.user}


class HelpCog(commands.Cog):
    """All commands in one ephemeral card."""

    @app_commands.command(description=say("command-help"))
    async def help(self, interaction: Interaction) -> None:
        """List the commands available to the person here."""
        lines = list(describe(interaction.client.tree, permissions_in_server(interaction)))
        card = discord.Embed(description="\n".join(lines))
        await interaction.response.send_message(embed=card, ephemeral=True)


def describe(
    tree: app_commands.CommandTree[Any], permissions: discord.Permissions
) -> Iterator[str]:
    """Yield a line for each command visible with these permissions."""
    for command in sorted(tree.walk_commands(), key=lambda one: one.qualified_name):
        if isinstance(command, app_commands.Group):
            continue
        if _shown(command.root_parent or command, permissions):
            yield f"`/{command.qualified_name}` {spoken(command.description)}"
    for whose, kind in MENUS.items():
        menus = [menu for menu in tree.get_commands(type=kind) if _shown(menu, permissions)]
        if menus:
            names = all_of(f"*{spoken(menu.name)}*" for menu in menus)
            yield say(f"help-menu-{whose}") + ": " + names


def _shown(
    command: app_commands.Command[Any, ..., Any] | app_commands.Group | app_commands.ContextMenu,
    permissions: discord.Permissions,
) -> bool:
    needed = command.default_permissions
    return needed is None or needed.is_subset(permissions)


def setup(app: "App") -> None:
    """Add the command."""
    app.add_cog(HelpCog())

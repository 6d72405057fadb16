"""/help: what there is, from the command tree itself."""

from collections.abc import Iterator
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

MESSAGE_MENU = "In a message's menu, under Apps"


class HelpCog(commands.Cog):
    """Every command in one private card."""

    @app_commands.command(description="What I can do")
    async def help(self, interaction: discord.Interaction[Any]) -> None:
        """List what the person may use here."""
        lines = list(describe(interaction.client.tree, interaction.permissions))
        card = discord.Embed(description="\n".join(lines))
        await interaction.response.send_message(embed=card, ephemeral=True)


def describe(
    tree: app_commands.CommandTree[Any], permissions: discord.Permissions
) -> Iterator[str]:
    """Yield a line for each command that somebody with these permissions is shown."""
    for command in sorted(tree.walk_commands(), key=lambda one: one.qualified_name):
        if isinstance(command, app_commands.Group):
            continue
        needed = (command.root_parent or command).default_permissions
        if needed is None or needed.is_subset(permissions):
            yield f"`/{command.qualified_name}` {command.description}"
    menus = tree.get_commands(type=discord.AppCommandType.message)
    if menus:
        yield f"{MESSAGE_MENU}: " + ", ".join(f"*{menu.name}*" for menu in menus)

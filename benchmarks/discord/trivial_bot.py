"""A bot that does nothing but answer: `python -m benchmarks.discord.trivial_bot`."""

import os

import discord
import yarl
from discord import app_commands
from discord.gateway import DiscordWebSocket

discord.http.Route.BASE = os.environ["DISCORD__API_URL"]
DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(os.environ["DISCORD__GATEWAY_URL"])
client = discord.Client(intents=discord.Intents(guilds=True))
tree = app_commands.CommandTree(client)


async def answer(interaction: discord.Interaction) -> None:
    """Answer privately."""
    await interaction.response.send_message("Nothing.", ephemeral=True)


for name in ("queue", "history"):
    tree.command(name=name, description="Answer")(answer)


@tree.command(description="Answer with two buttons")
async def imagine(interaction: discord.Interaction, prompt: str) -> None:
    """Answer in the channel."""
    view = discord.ui.View(timeout=None)
    for label in ("Details", "Favourite"):
        button: discord.ui.Button = discord.ui.Button(label=label)
        button.callback = answer  # type: ignore[method-assign]
        view.add_item(button)
    await interaction.response.send_message(prompt, view=view)


client.setup_hook = tree.sync  # type: ignore[assignment,method-assign]
client.run(os.environ["DISCORD__TOKEN"], log_handler=None)

"""A small discord.py bot that does a little of everything, to try the playground with."""

import asyncio
import io
import os
from typing import Literal

import discord
import yarl
from discord import app_commands
from discord.gateway import DiscordWebSocket
from PIL import Image

discord.http.Route.BASE = os.environ["DISCORD__API_URL"]
DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(os.environ["DISCORD__GATEWAY_URL"])
discord.asset.Asset.BASE = os.environ["DISCORD__CDN_URL"]

FRUIT = ["apple", "apricot", "banana", "cherry"]
COLORS = ["tomato", "gold", "teal", "orchid"]


def picture(color: str, name: str) -> discord.File:
    buffer = io.BytesIO()
    image = Image.new("RGB", (64, 64), color)
    image.paste("white", (16, 16, 32, 48))
    image.save(buffer, "PNG")
    buffer.seek(0)
    return discord.File(buffer, name, description=f"a {color} square")


class Controls(discord.ui.View):
    def __init__(self) -> None:
        super().__init__(timeout=None)

    @discord.ui.button(label="Reroll", emoji="🔄", custom_id="reroll")
    async def reroll(self, interaction: discord.Interaction, _: discord.ui.Button) -> None:
        await interaction.response.send_message("Again!")

    @discord.ui.button(label="Tick", style=discord.ButtonStyle.success, custom_id="tick")
    async def tick(self, interaction: discord.Interaction, _: discord.ui.Button) -> None:
        await interaction.response.edit_message(content="Ticked.")

    @discord.ui.button(label="Later", style=discord.ButtonStyle.primary, custom_id="later")
    async def later(self, interaction: discord.Interaction, _: discord.ui.Button) -> None:
        await interaction.response.defer()
        await interaction.edit_original_response(content="Changed later.")

    @discord.ui.button(label="Remix", custom_id="remix")
    async def remix(self, interaction: discord.Interaction, _: discord.ui.Button) -> None:
        await interaction.response.send_modal(Remix())

    @discord.ui.button(label="Gone", style=discord.ButtonStyle.danger, custom_id="gone")
    async def gone(self, interaction: discord.Interaction, _: discord.ui.Button) -> None:
        """Never answers."""


class Remix(discord.ui.Modal, title="Remix"):
    prompt = discord.ui.TextInput(label="Prompt", default="a red apple", max_length=50)

    async def on_submit(self, interaction: discord.Interaction) -> None:
        await interaction.response.send_message(f"Remixed: {self.prompt.value}", ephemeral=True)


class Menu(discord.ui.View):
    @discord.ui.select(
        placeholder="Pick fruit",
        max_values=2,
        custom_id="menu",
        options=[discord.SelectOption(label=fruit.title(), value=fruit) for fruit in FRUIT],
    )
    async def pick(self, interaction: discord.Interaction, select: discord.ui.Select) -> None:
        await interaction.response.send_message("Picked " + " and ".join(select.values))


class SmallBot(discord.Client):
    def __init__(self) -> None:
        intents = discord.Intents(guilds=True, guild_messages=True)
        super().__init__(intents=intents, allowed_mentions=discord.AllowedMentions.none())
        self.tree = app_commands.CommandTree(self)

    async def setup_hook(self) -> None:
        self.add_view(Controls())
        await self.tree.sync()

    async def on_message(self, message: discord.Message) -> None:
        if self.user in message.mentions:
            await message.reply(f"You said {message.content!r}")


bot = SmallBot()


@bot.tree.command()
@app_commands.describe(prompt="What to draw", count="How many", fruit="A favourite")
async def imagine(
    interaction: discord.Interaction,
    prompt: app_commands.Range[str, 1, 200],
    count: app_commands.Range[int, 1, 4] = 4,
    aspect: Literal["square", "wide"] = "square",
    guidance: app_commands.Range[float, 1.0, 20.0] = 7.5,
    fruit: str = "apple",
    quiet: bool = False,
    friend: discord.Member | None = None,
    image: discord.Attachment | None = None,
) -> None:
    """Draw something."""
    words = f"**{prompt}** {aspect} {fruit} {guidance:g}"
    if friend is not None:
        words += f" for {friend.mention}"
    if image is not None:
        words += f" from {image.filename} {len(await image.read())}"
    answer = await interaction.response.send_message(
        words + " — queued", ephemeral=quiet, allowed_mentions=discord.AllowedMentions.none()
    )
    for step in (1, 2):
        await asyncio.sleep(0.05)
        await interaction.edit_original_response(content=f"{words} — step {step} of 2")
    files = [picture(COLORS[index], f"picture-{index + 1}.png") for index in range(count)]
    if quiet:
        await interaction.edit_original_response(content=words, attachments=files)
        return
    message = interaction.channel.get_partial_message(answer.message_id)
    embed = discord.Embed(description="**DPM++ 2M** · 20 steps · seed `7`", color=0xE8503A)
    await message.edit(content=words, attachments=files, embed=embed, view=Controls())


@imagine.autocomplete("fruit")
async def fruits(_: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
    return [app_commands.Choice(name=f.title(), value=f) for f in FRUIT if f.startswith(typed)]


@bot.tree.command()
async def think(interaction: discord.Interaction, secret: bool = False) -> None:
    """Take a moment."""
    await interaction.response.defer(thinking=True, ephemeral=secret)
    await asyncio.sleep(0.3)
    await interaction.followup.send("Thought about it.")
    await interaction.followup.send("And again.", ephemeral=secret)


@bot.tree.command()
async def silence(interaction: discord.Interaction) -> None:
    """Never answer."""


@bot.tree.command()
async def menu(interaction: discord.Interaction) -> None:
    """Show a select menu."""
    await interaction.response.send_message("Choose:", view=Menu(timeout=None))


@bot.tree.context_menu(name="Quote")
async def quote(interaction: discord.Interaction, message: discord.Message) -> None:
    await interaction.response.send_message(f"> {message.content}")


moderation = app_commands.Group(
    name="mod",
    description="For moderators",
    default_permissions=discord.Permissions(moderate_members=True),
)


@moderation.command()
async def history(interaction: discord.Interaction, person: discord.Member) -> None:
    """Show what somebody made."""
    embed = discord.Embed(title=f"History of {person.display_name}", color=0x5865F2)
    embed.add_field(name="a red apple", value="done · <t:1700000000:R>", inline=False)
    await interaction.response.send_message(embed=embed, ephemeral=True)


bot.tree.add_command(moderation)

if __name__ == "__main__":
    bot.run(os.environ["DISCORD__TOKEN"])

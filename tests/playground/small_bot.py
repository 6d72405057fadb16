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


def picture(color: str, name: str, *, spoiler: bool = False) -> discord.File:
    buffer = io.BytesIO()
    image = Image.new("RGB", (64, 64), color)
    image.paste("white", (16, 16, 32, 48))
    image.save(buffer, "PNG")
    buffer.seek(0)
    return discord.File(buffer, name, description=f"a {color} square", spoiler=spoiler)


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
    prompt = discord.ui.TextInput(
        label="Prompt", custom_id="prompt", default="a red apple", max_length=50
    )

    async def on_submit(self, interaction: discord.Interaction) -> None:
        await interaction.response.send_message(f"Remixed: {self.prompt.value}", ephemeral=True)


class Menu(discord.ui.View):
    @discord.ui.select(
        placeholder="Pick fruit",
        max_values=2,
        custom_id="menu",
        options=[
            discord.SelectOption(label=fruit.title(), value=fruit, emoji="🍎") for fruit in FRUIT
        ],
    )
    async def pick(self, interaction: discord.Interaction, select: discord.ui.Select) -> None:
        await interaction.response.send_message("Picked " + " and ".join(select.values))


class Menus(discord.ui.View):
    """Every menu of people, roles and channels, some with a choice made."""

    def __init__(self, theo: int) -> None:
        super().__init__(timeout=None)
        for menu in (
            discord.ui.UserSelect(
                custom_id="users",
                placeholder="Pick people",
                min_values=2,
                max_values=3,
                default_values=[discord.Object(theo, type=discord.User)],
            ),
            discord.ui.RoleSelect(custom_id="roles", placeholder="Pick a role"),
            discord.ui.MentionableSelect(custom_id="anyone", placeholder="Pick anyone"),
            discord.ui.ChannelSelect(
                custom_id="threads",
                placeholder="Pick a thread",
                channel_types=[discord.ChannelType.public_thread],
            ),
            discord.ui.ChannelSelect(custom_id="off", placeholder="Not now", disabled=True),
        ):
            menu.callback = self.picked(menu)
            self.add_item(menu)

    def picked(self, menu: discord.ui.Item):
        async def say(interaction: discord.Interaction) -> None:
            names = " and ".join(f"{type(one).__name__} {one.name}" for one in menu.values)
            await interaction.response.send_message(f"Picked {names}")

        return say


class Survey(discord.ui.Modal, title="Survey"):
    about = discord.ui.Label(
        text="About",
        description="In a few words",
        component=discord.ui.TextInput(
            style=discord.TextStyle.paragraph, min_length=5, max_length=40, placeholder="Say it"
        ),
    )
    nickname = discord.ui.Label(
        text="Nickname", component=discord.ui.TextInput(required=False, default="Pip")
    )
    fruit = discord.ui.Label(
        text="Fruit",
        component=discord.ui.Select(
            max_values=2,
            options=[
                discord.SelectOption(label=f.title(), value=f, default=f == "banana") for f in FRUIT
            ],
        ),
    )
    friend = discord.ui.Label(text="Friend", component=discord.ui.UserSelect(required=False))

    async def on_submit(self, interaction: discord.Interaction) -> None:
        friends = [friend.display_name for friend in self.friend.component.values]
        said = (
            self.about.component.value,
            self.nickname.component.value,
            self.fruit.component.values,
            friends,
        )
        await interaction.response.send_message(f"Surveyed: {said}")


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


@bot.tree.command()
async def menus(interaction: discord.Interaction) -> None:
    """Show menus of people, roles and channels."""
    theo = interaction.guild.get_member_named("theo") or await by_name(interaction.guild, "theo")
    await interaction.response.send_message("Whom?", view=Menus(theo.id))


async def by_name(guild: discord.Guild, name: str) -> discord.Member:
    (found,) = await guild.query_members(name, limit=1)
    return found


@bot.tree.command()
async def survey(interaction: discord.Interaction) -> None:
    """Open a form."""
    await interaction.response.send_modal(Survey())


@bot.tree.command()
async def whisper(interaction: discord.Interaction) -> None:
    """Say something to you alone, change it, and say more."""
    await interaction.response.send_message("Psst", ephemeral=True)
    await interaction.edit_original_response(content="Psst, changed")
    await interaction.followup.send(
        "And a spoiler", ephemeral=True, file=picture("gold", "gold.png", spoiler=True)
    )


@bot.tree.command()
async def card(interaction: discord.Interaction) -> None:
    """Show an embed with everything in it."""
    icon = picture("teal", "icon.png")
    embed = discord.Embed(
        title="A card",
        description="With **everything**",
        color=0xE8503A,
        timestamp=discord.utils.utcnow(),
    )
    embed.set_author(name="Someone", icon_url="attachment://icon.png")
    embed.set_thumbnail(url="attachment://small.png")
    embed.set_image(url="attachment://large.png")
    embed.set_footer(text="The end", icon_url="attachment://icon.png")
    embed.add_field(name="Sampler", value="DDIM", inline=True)
    embed.add_field(name="Steps", value="20", inline=True)
    embed.add_field(name="Prompt", value="a red apple", inline=False)
    files = [icon, picture("gold", "small.png"), picture("orchid", "large.png")]
    await interaction.response.send_message(embed=embed, files=files)


@bot.tree.command()
async def where(interaction: discord.Interaction) -> None:
    """Say where we are, who you are, and what I may do."""
    channel = interaction.channel
    place = channel.parent if isinstance(channel, discord.Thread) else channel
    roles = [role.name for role in getattr(interaction.user, "roles", [])]
    ours = interaction.app_permissions
    await interaction.response.send_message(
        f"{channel.type.name} nsfw={getattr(place, 'nsfw', None)} {interaction.locale} "
        f"{interaction.guild_locale} roles={roles} manages={interaction.permissions.manage_guild} "
        f"threads={ours.send_messages_in_threads} limit={interaction.filesize_limit} "
        f"context={interaction.context.dm_channel}"
    )


@bot.tree.command()
async def write(interaction: discord.Interaction) -> None:
    """Write you a direct message."""
    try:
        await interaction.user.send("Your pictures are ready.")
    except discord.Forbidden as error:
        await interaction.response.send_message(f"Refused: {error.code}")
    else:
        await interaction.response.send_message("Written.")


@bot.tree.command(nsfw=True)
async def risky(interaction: discord.Interaction) -> None:
    """For age-restricted channels."""
    await interaction.response.send_message("Fine.")


@bot.tree.context_menu(name="Greet")
async def greet(interaction: discord.Interaction, person: discord.Member) -> None:
    roles = ", ".join(role.name for role in person.roles[1:])
    await interaction.response.send_message(f"Hello {person.display_name} of {roles}")


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


art = app_commands.Group(name="art", description="Everything that an option can be")
brush = app_commands.Group(name="brush", description="Brushes", parent=art)


@brush.command()
async def pick(
    interaction: discord.Interaction,
    person: discord.User,
    role: discord.Role,
    channel: discord.TextChannel,
    anyone: discord.User | discord.Role,
    size: app_commands.Range[float, 0.5, 4.0],
    soft: bool,
    kind: Literal["round", "flat"],
) -> None:
    """Pick a brush."""
    parts = (person.name, role.name, channel.name, anyone.name, size, soft, kind)
    await interaction.response.send_message(" ".join(str(part) for part in parts))


@brush.command()
async def copy(interaction: discord.Interaction, file: discord.Attachment) -> None:
    """Copy a file."""
    data = await file.read()
    await interaction.response.send_message(
        file.url, file=discord.File(io.BytesIO(data), file.filename)
    )


bot.tree.add_command(moderation)
bot.tree.add_command(art)

if __name__ == "__main__":
    bot.run(os.environ["DISCORD__TOKEN"])

"""The world as it is at the start."""

from dataclasses import replace
from datetime import UTC, datetime

from playground.clock import Snowflakes
from playground.world import permissions
from playground.world.places import Channel
from playground.world.servers import Server
from playground.world.users import Member, Role, User
from playground.world.world import World

_CHANNELS = (
    Channel(
        0, "darkroom", "Pictures come up here. Type /imagine and say what you would like to see."
    ),
    Channel(0, "general", "Anything else."),
    Channel(0, "showcase", "The ones worth a frame."),
    Channel(0, "after-dark", "For adults.", nsfw=True),
)


def furnish(snowflakes: Snowflakes) -> World:
    """Make a server with its channels and roles, its owner, a moderator, two members, the bot."""
    now = datetime.now(UTC)
    bot = User(snowflakes.next(), "Darkroom", "Darkroom", bot=True)
    olive = User(snowflakes.next(), "olive", "Olive")
    mia = User(snowflakes.next(), "mia", "Mia")
    morgan = User(snowflakes.next(), "morgan", "Morgan")
    theo = User(snowflakes.next(), "theo", "Theo")
    guild_id = snowflakes.next()
    world = World(Server(guild_id, "Darkroom", olive.id, now), bot, bot.id)
    # Discord gives @everyone the server's own id.
    everyone = Role(guild_id, "@everyone", permissions.EVERYONE, 0)
    artists = Role(snowflakes.next(), "Artists", permissions.NONE, 1, 0x5FB3A1)
    moderators = Role(snowflakes.next(), "Moderators", permissions.MODERATOR, 2, 0xE0A458)
    managed = Role(snowflakes.next(), "Darkroom", permissions.BOT, 3, bot_id=bot.id)
    world.home.roles = {role.id: role for role in (everyone, artists, moderators, managed)}
    roles = {bot.id: managed, morgan.id: moderators, theo.id: artists}
    for user in (mia, morgan, olive, theo, bot):
        world.users[user.id] = user
        held = (roles[user.id].id,) if user.id in roles else ()
        world.members[user.id] = Member(user, held, now)
    for position, pattern in enumerate(_CHANNELS):
        channel_id = snowflakes.next()
        world.channels[channel_id] = replace(
            pattern, id=channel_id, position=position, guild_id=guild_id
        )
    return world

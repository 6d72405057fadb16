"""The server, its channels, roles and members."""

from playground.checks import refusals
from playground.rest.router import Call, Reply, Route
from playground.world.world import World


def _world(call: Call) -> World:
    """Give the world if the bot is in the path's server; Refusal 10004 if not."""
    world = call.state.world
    if call.id("guild_id") != world.guild_id or not world.bot_is_member:
        raise refusals.unknown("Guild")
    return world


def get_guild(call: Call) -> Reply:
    """Give the server."""
    world = _world(call)
    body = world.guild_payload()
    if call.query.get("with_counts") in ("1", "true", "True"):
        count = len(world.members)
        body |= {"approximate_member_count": count, "approximate_presence_count": count}
    return Reply(body)


def list_channels(call: Call) -> Reply:
    """List the server's channels."""
    return Reply([channel.payload() for channel in _world(call).guild_channels()])


def list_roles(call: Call) -> Reply:
    """List the server's roles."""
    return Reply([role.payload() for role in _world(call).roles.values()])


def get_member(call: Call) -> Reply:
    """Give a member."""
    member = _world(call).members.get(call.id("user_id"))
    if member is None:
        raise refusals.unknown("Member")
    return Reply(member.payload())


_GUILD = r"/guilds/{guild_id:\d+}"

ROUTES = (
    Route("GET", _GUILD, get_guild),
    Route("GET", _GUILD + "/channels", list_channels),
    Route("GET", _GUILD + "/roles", list_roles),
    Route("GET", _GUILD + r"/members/{user_id:\d+}", get_member),
)

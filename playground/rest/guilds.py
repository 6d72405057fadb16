"""Servers, their channels, roles and members."""

from playground.checks import refusals
from playground.rest.router import Call, Reply, Route
from playground.world.servers import Server


def _server(call: Call) -> Server:
    """Give the path's server if the bot is in it; Refusal 10004 if not."""
    server = call.state.world.joined(call.id("guild_id"))
    if server is None:
        raise refusals.unknown("Guild")
    return server


def get_guild(call: Call) -> Reply:
    """Give the server."""
    server = _server(call)
    body = server.payload()
    if call.query.get("with_counts") in ("1", "true", "True"):
        count = len(server.members)
        body |= {"approximate_member_count": count, "approximate_presence_count": count}
    return Reply(body)


def list_channels(call: Call) -> Reply:
    """List the server's channels."""
    channels = call.state.world.guild_channels(_server(call))
    return Reply([channel.payload() for channel in channels])


def list_roles(call: Call) -> Reply:
    """List the server's roles."""
    return Reply([role.payload() for role in _server(call).roles.values()])


def get_member(call: Call) -> Reply:
    """Give a member."""
    member = _server(call).members.get(call.id("user_id"))
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

"""Application commands, global and of the server."""

from typing import Any

from playground.checks import refusals
from playground.checks.refusals import Refusal
from playground.rest.router import NO_CONTENT, Call, Reply, Route

Json = dict[str, Any]


def _scope(call: Call) -> int | None:
    """Check the path's application and server, and give the server's id, if one is named."""
    world = call.state.world
    if call.id("application_id") != world.application_id:
        raise Refusal(
            403, 20012, "You are not authorized to perform this action on this application"
        )
    if "guild_id" not in call.path:
        return None
    server = world.joined(call.id("guild_id"))
    if server is None:
        raise refusals.missing_access()
    return server.id


def _own(call: Call) -> Json:
    """Give the command that the path names, if it lies in the path's scope."""
    scope = _scope(call)
    command = call.state.commands.get(call.id("command_id"))
    if command.get("guild_id") != (None if scope is None else str(scope)):
        raise refusals.unknown("application command")
    return command


def listed(call: Call) -> Reply:
    """List the commands."""
    return Reply(call.state.commands.listed(_scope(call)))


def overwrite(call: Call) -> Reply:
    """Replace all commands."""
    scope = _scope(call)
    if not isinstance(call.body.json, list):
        raise Refusal(400, 50035, "Invalid Form Body")
    return Reply(call.state.commands.overwrite(scope, call.body.json))


def create(call: Call) -> Reply:
    """Add a command or replace the one of that name."""
    return Reply(call.state.commands.upsert(_scope(call), call.body.fields), 201)


def get(call: Call) -> Reply:
    """Give one command."""
    return Reply(_own(call))


def edit(call: Call) -> Reply:
    """Change one command."""
    command = _own(call)
    changed = command | call.body.fields | {"name": command["name"], "type": command["type"]}
    return Reply(call.state.commands.upsert(_scope(call), changed))


def delete(call: Call) -> Reply:
    """Remove one command."""
    call.state.commands.delete(int(_own(call)["id"]))
    return NO_CONTENT


_ALL = r"/applications/{application_id:\d+}/commands"
_GUILD = r"/applications/{application_id:\d+}/guilds/{guild_id:\d+}/commands"
_ONE = r"/{command_id:\d+}"

ROUTES = tuple(
    route
    for base in (_ALL, _GUILD)
    for route in (
        Route("GET", base, listed),
        Route("PUT", base, overwrite),
        Route("POST", base, create),
        Route("GET", base + _ONE, get),
        Route("PATCH", base + _ONE, edit),
        Route("DELETE", base + _ONE, delete),
    )
)

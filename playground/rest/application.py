"""The bot itself: its user, its application, and where the gateway is."""

from typing import Any

from playground.checks import refusals, schemas
from playground.checks.refusals import FormErrors
from playground.rest.router import Call, Reply, Route
from playground.world.places import Channel

Json = dict[str, Any]


def own_user(call: Call) -> Reply:
    """Give the bot's user."""
    body = call.state.world.bot.payload()
    return Reply(body | {"verified": True, "mfa_enabled": True, "email": None, "locale": "en-US"})


def user(call: Call) -> Reply:
    """Give a user."""
    found = call.state.world.users.get(call.id("user_id"))
    if found is None:
        raise refusals.unknown("User")
    return Reply(found.payload())


def application(call: Call) -> Reply:
    """Give the bot's application."""
    world = call.state.world
    return Reply(
        {
            "id": str(world.application_id),
            "name": world.bot.display_name,
            "icon": "portrait",
            "description": "Develops pictures.",
            "summary": "",
            "type": None,
            "flags": call.state.application_flags(),
            "flags_new": str(call.state.application_flags()),
            "explicit_content_filter": 0,
            "eligible_oauth2_scopes": [],
            "verify_key": "0" * 64,
            "bot_public": True,
            "bot_require_code_grant": False,
            "owner": world.users[world.owner_id].payload(),
            "team": None,
            "bot": world.bot.payload(),
            "approximate_guild_count": sum(world.bot.id in one.members for one in world.servers),
            "approximate_user_install_count": 0,
            "approximate_user_authorization_count": 0,
            "interactions_endpoint_url": None,
            "role_connections_verification_url": None,
            "redirect_uris": [],
            "tags": [],
            "integration_types_config": {"0": {}},
        }
    )


def gateway(call: Call) -> Reply:
    """Give the gateway's address."""
    return Reply({"url": call.state.gateway.url})


def bot_gateway(call: Call) -> Reply:
    """Give the gateway's address and how often the bot may start."""
    gateway = call.state.gateway
    return Reply(
        {
            "url": gateway.url,
            "shards": gateway.shards,
            "session_start_limit": {
                "total": 1000,
                "remaining": max(0, 1000 - gateway.identifies),
                "reset_after": 86_400_000,
                "max_concurrency": gateway.max_concurrency,
            },
        }
    )


def own_guilds(call: Call) -> Reply:
    """List the servers that the bot is in."""
    bot = call.state.world.bot
    more: Json = {"owner": False, "features": [], "banner": None}
    return Reply(
        [
            server.partial() | more | {"permissions": str(int(server.permissions(bot)))}
            for server in call.state.world.servers
            if bot.id in server.members
        ]
    )


def open_direct_messages(call: Call) -> Reply:
    """Open the direct messages with a person, or give those that are open."""
    world = call.state.world
    errors = FormErrors()
    schemas.RECIPIENT.check(call.body.fields, errors, "")
    errors.raise_if_any()
    person = world.users.get(int(call.body.fields["recipient_id"]))
    if person is None or person.bot:
        raise refusals.unknown("User")
    channel = world.direct_messages(person)
    if channel is None:
        channel = Channel(call.state.snowflakes.next(), person.username, recipient=person)
        world.channels[channel.id] = channel
        call.state.feed.publish("refresh", {}, person)
    return Reply(channel.payload())


ROUTES = (
    Route("GET", "/users/@me", own_user),
    Route("GET", "/users/@me/guilds", own_guilds),
    Route("POST", "/users/@me/channels", open_direct_messages),
    Route("GET", r"/users/{user_id:\d+}", user),
    Route("GET", "/applications/@me", application),
    Route("GET", "/oauth2/applications/@me", application),
    Route("GET", "/gateway", gateway, needs_token=False),
    Route("GET", "/gateway/bot", bot_gateway),
)

"""Discord's REST API, version 10, as far as a bot that draws needs it."""

from playground.rest import application, channels, commands, guilds, interactions
from playground.rest.router import Router
from playground.state import State


def build(state: State) -> Router:
    """Make the router with all routes that the playground has."""
    router = Router(state)
    for topic in (application, commands, interactions, channels, guilds):
        for route in topic.ROUTES:
            router.add(route)
    return router

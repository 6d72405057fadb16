"""Select menus: from what a person chose to the values that the bot hears."""

from collections.abc import Sequence
from typing import Any

from playground.checks.refusals import NotPossible
from playground.interactions.invocations import InvalidOption, Resolver
from playground.messages.components import Kind

Json = dict[str, Any]


def bounds(menu: Json) -> tuple[int, int]:
    """Tell how few and how many values a menu takes."""
    low, high = menu.get("min_values", 1), menu.get("max_values", 1)
    return int(low), int(high)


def chosen(menu: Json, values: Sequence[str], resolver: Resolver) -> list[str]:
    """Check what was chosen and give it as values, with the entities added to `resolver`.

    People, roles and channels may be named or given by id. Raises NotPossible for a choice
    that Discord's client does not offer.
    """
    low, high = bounds(menu)
    if not low <= len(values) <= high:
        raise NotPossible(f"choose between {low} and {high}")
    if menu["type"] == Kind.STRING_SELECT:
        offered = {option["value"] for option in menu["options"]}
        if not set(values) <= offered:
            raise NotPossible(f"the menu offers only {sorted(offered)}")
        return list(values)
    try:
        return [_entity(menu, value, resolver) for value in values]
    except (InvalidOption, LookupError) as error:
        raise NotPossible(str(error.args[0])) from error


def _entity(menu: Json, value: str, resolver: Resolver) -> str:
    name = menu["custom_id"]
    match menu["type"]:
        case Kind.USER_SELECT:
            return resolver.user(name, value)
        case Kind.ROLE_SELECT:
            return resolver.role(name, value)
        case Kind.CHANNEL_SELECT:
            return resolver.channel(name, value, menu.get("channel_types") or [])
        case _:
            return resolver.mentionable(name, value)


def preset(menu: Json) -> list[str]:
    """Give the values that a menu comes with."""
    if menu["type"] == Kind.STRING_SELECT:
        return [option["value"] for option in menu["options"] if option.get("default")]
    return [str(one["id"]) for one in menu.get("default_values") or []]

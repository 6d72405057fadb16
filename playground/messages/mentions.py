"""Who a message pings: what it says, and what its sender allowed."""

import re
from dataclasses import dataclass
from typing import Any

from playground.checks.refusals import FormErrors
from playground.world.users import User
from playground.world.world import World

Json = dict[str, Any]

_USER = re.compile(r"<@!?(\d+)>")
_ROLE = re.compile(r"<@&(\d+)>")
_EVERYONE = re.compile(r"@(everyone|here)\b")


@dataclass(frozen=True, slots=True)
class Mentions:
    """Whom a message pings."""

    users: tuple[User, ...] = ()
    role_ids: tuple[int, ...] = ()
    everyone: bool = False


def check(allowed: Json | None, errors: FormErrors) -> None:
    """Note an `allowed_mentions` that contradicts itself."""
    if not allowed:
        return
    parse = allowed.get("parse") or []
    for kind in ("users", "roles"):
        if kind in parse and allowed.get(kind):
            errors.add(
                "allowed_mentions",
                "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
                f'parse:["{kind}"] and {kind}: [ids...] are mutually exclusive.',
            )
        errors.longest(f"allowed_mentions.{kind}", allowed.get(kind) or [], 100)


def evaluate(
    content: str, allowed: Json | None, world: World, *, may_ping_everyone: bool
) -> Mentions:
    """Work out whom `content` pings.

    Without `allowed` everything pings; with it only what it lists (API reference, "Allowed
    Mentions Object").
    """

    def may(kind: str, target: str) -> bool:
        if allowed is None:
            return True
        listed = [str(one) for one in allowed.get(kind) or []]
        return kind in (allowed.get("parse") or []) or target in listed

    users = {
        int(found): world.users[int(found)]
        for found in _USER.findall(content)
        if int(found) in world.users and may("users", found)
    }
    roles = {
        int(found)
        for found in _ROLE.findall(content)
        if int(found) in world.roles and may_ping_everyone and may("roles", found)
    }
    everyone = may_ping_everyone and may("everyone", "everyone") and bool(_EVERYONE.search(content))
    return Mentions(tuple(users.values()), tuple(sorted(roles)), everyone)

"""The bot's application commands: what Discord accepts of them, and who may use which.

Limits are from the API reference, "Application Commands".
"""

import re
from collections.abc import Callable
from typing import Any

from playground.checks import schemas
from playground.checks.refusals import (
    FormErrors,
    entry_point_left_out,
    too_many_commands_today,
    unknown,
)
from playground.clock import Clock, Snowflakes
from playground.world.permissions import Permission
from playground.world.places import Channel
from playground.world.users import User
from playground.world.world import World

Json = dict[str, Any]

SLASH, USER_MENU, MESSAGE_MENU, ENTRY_POINT = 1, 2, 3, 4
CREATES_A_DAY = 200

SUBCOMMAND, GROUP, STRING, INTEGER, BOOLEAN = 1, 2, 3, 4, 5
USER, CHANNEL, ROLE, MENTIONABLE, NUMBER, ATTACHMENT = 6, 7, 8, 9, 10, 11

_NAME = re.compile(r"[-_'\w]{1,32}")
_MOST_OF_A_KIND = {SLASH: 100, USER_MENU: 15, MESSAGE_MENU: 15}
_CHARACTERS = 8000


def check(command: Json, errors: FormErrors, path: str = "") -> None:
    """Note what does not go together in a command's definition."""
    kind = command.get("type") or SLASH
    if kind == SLASH:
        _check_name(command, errors, path)
        _check_options(command.get("options") or [], errors, f"{path}options")
    elif kind != ENTRY_POINT and command.get("description"):
        message = "Context menu commands cannot have description"
        errors.add(f"{path}description", "APPLICATION_COMMAND_CONTEXT_MENU_DESCRIPTION", message)
    if kind != SLASH:
        for locale, said in (command.get("name_localizations") or {}).items():
            errors.length(f"{path}name_localizations.{locale}", (said or "").strip(), 1, 32)
        errors.length(f"{path}name", (command.get("name") or "").strip(), 1, 32)
    # A command's types are not those of options.
    if _characters(command | {"type": None}) > _CHARACTERS:
        message = f"Command exceeds maximum size ({_CHARACTERS})"
        errors.add(f"{path}options", "APPLICATION_COMMAND_TOO_LARGE", message)


def _check_name(thing: Json, errors: FormErrors, path: str) -> None:
    localized = thing.get("name_localizations") or {}
    names = {f"name_localizations.{locale}": name for locale, name in localized.items()}
    for where, name in {"name": thing["name"], **names}.items():
        if not _NAME.fullmatch(name) or name != name.lower():
            message = "Command name is invalid"
            errors.add(f"{path}{where}", "APPLICATION_COMMAND_INVALID_NAME", message)
    errors.length(f"{path}description", (thing.get("description") or "").strip(), 1, 100)
    for locale, said in (thing.get("description_localizations") or {}).items():
        errors.length(f"{path}description_localizations.{locale}", (said or "").strip(), 1, 100)


def _check_options(options: list[Json], errors: FormErrors, path: str) -> None:
    seen: set[str] = set()
    optional_before = False
    for index, option in enumerate(options):
        where = f"{path}.{index}."
        _check_name(option, errors, where)
        if option.get("name") in seen:
            message = "Option name cannot be duplicated"
            code = "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS"
            errors.add(f"{where}name", code, message)
        seen.add(option.get("name") or "")
        kind = option["type"]
        if (kind in (SUBCOMMAND, GROUP)) != (options[0]["type"] in (SUBCOMMAND, GROUP)):
            message = "Subcommands cannot lie beside other options"
            errors.add(f"{where}type", "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", message)
        if kind in (SUBCOMMAND, GROUP):
            _check_options(option.get("options") or [], errors, f"{where}options")
        else:
            _check_value(option, errors, where)
            if option.get("required") and optional_before:
                message = "Required options must be placed before non-required options"
                code = "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID"
                errors.add(f"{where}required", code, message)
            optional_before = optional_before or not option.get("required")


def _check_value(option: Json, errors: FormErrors, where: str) -> None:
    choices = option.get("choices") or []
    if choices and option.get("autocomplete"):
        message = "Autocomplete cannot be used with choices"
        errors.add(f"{where}autocomplete", "APPLICATION_COMMAND_AUTOCOMPLETE_INVALID", message)
    names: set[str] = set()
    for index, choice in enumerate(choices):
        here = f"{where}choices.{index}."
        if choice.get("name") in names:
            message = "Choice name cannot be duplicated"
            code = "APPLICATION_COMMAND_OPTIONS_CHOICE_NAME_ALREADY_EXISTS"
            errors.add(f"{here}name", code, message)
        names.add(choice.get("name") or "")
        localized = choice.get("name_localizations") or {}
        for said in (choice.get("name"), *localized.values()):
            errors.length(f"{here}name", (said or "").strip(), 1, 100)
    for low, high in (("min_length", "max_length"), ("min_value", "max_value")):
        least, most = option.get(low), option.get(high)
        if least is not None and most is not None and least > most:
            message = f"{low} cannot be greater than {high}"
            errors.add(f"{where}{low}", "APPLICATION_COMMAND_OPTIONS_MIN_MAX", message)


def _characters(thing: Json) -> int:
    """Count names, descriptions and values, which are limited together."""
    own = _longest(thing, "name") + _longest(thing, "description")
    kind = thing.get("type")
    if kind in schemas.CHOICES:
        for choice in thing.get("choices") or []:
            own += _longest(choice, "name") + len(str(choice["value"]))
    # Only commands, groups and subcommands have options; others' are passed over.
    elif kind in (SUBCOMMAND, GROUP, None):
        own += sum(_characters(option) for option in thing.get("options") or [])
    return own


def _longest(thing: Json, key: str) -> int:
    said = [thing.get(key) or "", *(thing.get(f"{key}_localizations") or {}).values()]
    return max(map(len, said))


class CommandBook:
    """The commands as the bot last synced them, global and in the server."""

    def __init__(
        self, world: World, clock: Clock, snowflakes: Snowflakes, tell: Callable[[], None]
    ) -> None:
        self._world = world
        self._clock = clock
        self._snowflakes = snowflakes
        self._tell = tell
        self._commands: dict[int, Json] = {}
        self._created: list[float] = []
        self.syncs = 0

    def listed(self, guild_id: int | None) -> list[Json]:
        """List the global commands (None) or those of one server."""
        wanted = None if guild_id is None else str(guild_id)
        return [c for c in self._commands.values() if c.get("guild_id") == wanted]

    def get(self, command_id: int) -> Json:
        """Find a command by its id; Refusal 10063 when it is not there."""
        if command_id not in self._commands:
            raise unknown("application command")
        return self._commands[command_id]

    def overwrite(self, guild_id: int | None, definitions: list[Json]) -> list[Json]:
        """Replace all commands of a scope, keeping the ids of those whose name stays."""
        errors = FormErrors()
        schemas.COMMANDS.check(definitions, errors, "")
        errors.raise_if_any()
        for index, definition in enumerate(definitions):
            check(definition, errors, f"{index}.")
        errors.raise_if_any()
        names = [(d.get("type") or SLASH, d["name"]) for d in definitions]
        for index, name in enumerate(names):
            if name in names[:index]:
                message = "Application command names must be unique"
                errors.add(f"{index}.name", "APPLICATION_COMMANDS_DUPLICATE_NAME", message)
        errors.raise_if_any()
        for kind, most in _MOST_OF_A_KIND.items():
            errors.longest("", [d for d in definitions if (d.get("type") or SLASH) == kind], most)
        errors.raise_if_any()
        before = {(c["type"], c["name"]): c for c in self.listed(guild_id)}
        entered = {command for command in before if command[0] == ENTRY_POINT}
        if entered - {(d.get("type"), d["name"]) for d in definitions}:
            raise entry_point_left_out()
        made = [self._make(definition, guild_id, before) for definition in definitions]
        for old in before.values():
            del self._commands[int(old["id"])]
        self._commands |= {int(command["id"]): command for command in made}
        self.syncs += 1
        self._tell()
        return made

    def upsert(self, guild_id: int | None, definition: Json) -> Json:
        """Add a command, or replace the one of that type and name."""
        errors = FormErrors()
        schemas.COMMAND.check(definition, errors, "")
        errors.raise_if_any()
        check(definition, errors)
        errors.raise_if_any()
        before = {(c["type"], c["name"]): c for c in self.listed(guild_id)}
        command = self._make(definition, guild_id, before)
        self._commands[int(command["id"])] = command
        self.syncs += 1
        self._tell()
        return command

    def add_entry_point(self, name: str = "launch") -> Json:
        """Add the command that Discord makes for an application with an Activity."""
        definition = {"type": ENTRY_POINT, "name": name, "handler": 2, "contexts": [0, 1, 2]}
        command = self._make(definition, None, {})
        self._commands[int(command["id"])] = command
        return command

    def delete(self, command_id: int) -> None:
        """Remove a command; Refusal 10063 when it is not there."""
        self.get(command_id)
        del self._commands[command_id]
        self._tell()

    def usable(self, user: User, channel: Channel) -> list[Json]:
        """List what somebody may use in a channel, by name, as the client's "/" does."""
        guild_id = channel.guild_id
        commands = self.listed(None) + (self.listed(guild_id) if guild_id else [])
        return sorted(
            (command for command in commands if self.may_use(command, user, channel)),
            key=lambda command: str(command["name"]),
        )

    def may_use(self, command: Json, user: User, channel: Channel) -> bool:
        """Tell whether somebody may use a command in a channel."""
        if command["type"] == ENTRY_POINT:
            return False  # there are no Activities here
        contexts = command.get("contexts")
        if channel.guild_id is None:
            return contexts is None or 1 in contexts
        if contexts is not None and 0 not in contexts:
            return False
        if command.get("nsfw") and not self._world.is_nsfw(channel):
            return False
        permissions = self._world.permissions(user, channel)
        if not permissions & Permission.USE_APPLICATION_COMMANDS:
            return False
        needed = command.get("default_member_permissions")
        if needed is None or permissions & Permission.ADMINISTRATOR:
            return True
        # "0" is for administrators only.
        return int(needed) != 0 and permissions & int(needed) == int(needed)

    def _make(
        self, definition: Json, guild_id: int | None, before: dict[tuple[int, str], Json]
    ) -> Json:
        kind = definition.get("type") or SLASH
        known = before.get((kind, definition["name"]))
        if known is None:
            self._count_create()
        needed = definition.get("default_member_permissions")
        body: Json = {
            "id": known["id"] if known else str(self._snowflakes.next()),
            "application_id": str(self._world.application_id),
            "version": str(self._snowflakes.next()),
            "type": kind,
            "name": definition["name"],
            "name_localizations": definition.get("name_localizations"),
            "description": definition.get("description") or "",
            "description_localizations": definition.get("description_localizations"),
            "default_member_permissions": None if needed is None else str(needed),
            "dm_permission": definition.get("dm_permission", True),
            "contexts": definition.get("contexts"),
            "integration_types": definition.get("integration_types") or [0],
            "nsfw": bool(definition.get("nsfw")),
        }
        if kind == SLASH:
            body["options"] = definition.get("options") or []
        if kind == ENTRY_POINT:
            body["handler"] = definition.get("handler") or 1
        if guild_id is not None:
            body["guild_id"] = str(guild_id)
        return body

    def _count_create(self) -> None:
        now = self._clock.now()
        self._created = [at for at in self._created if now - at < 86_400]
        if len(self._created) >= CREATES_A_DAY:
            raise too_many_commands_today()
        self._created.append(now)

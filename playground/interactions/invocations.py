"""From what a person filled in to an interaction's `data`, checked as Discord's client does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from playground.checks.shapes import SAFE
from playground.interactions import commands
from playground.messages.files import FileHost, Upload
from playground.world.places import Channel
from playground.world.users import Role, User
from playground.world.world import World

Json = dict[str, Any]
Entity = User | Role | Channel | int | str
Value = Entity | float | bool | Upload


class InvalidOption(ValueError):
    """A value that Discord's client would not let a person send; `option` is its name."""

    def __init__(self, option: str, problem: str) -> None:
        super().__init__(f"{option}: {problem}")
        self.option = option
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Focus:
    """The option being typed, of which the bot completes the value."""

    option: str
    typed: str


def descend(command: Json, path: list[str]) -> list[Json]:
    """Follow a command's groups and subcommands by name, giving the options met on the way.

    Raises LookupError when there is no such subcommand, or one is missing.
    """
    steps: list[Json] = []
    node = command
    for name in path:
        found = [
            option
            for option in node.get("options", [])
            if option["name"] == name and option["type"] in (commands.SUBCOMMAND, commands.GROUP)
        ]
        if not found:
            raise LookupError(f"/{command['name']} has no subcommand {name!r}")
        node = found[0]
        steps.append(node)
    if any(o["type"] in (commands.SUBCOMMAND, commands.GROUP) for o in node.get("options", [])):
        raise LookupError(f"/{command['name']} needs one of its subcommands")
    return steps


class Resolver:
    """Builds an interaction's `options` and `resolved` from names and values."""

    def __init__(self, world: World, files: FileHost, person: User, channel: Channel) -> None:
        self._world = world
        self._files = files
        self._person = person
        self._channel = channel
        self.resolved: dict[str, Json] = {}

    def data(
        self,
        command: Json,
        path: list[str],
        values: Mapping[str, Value],
        focus: Focus | None = None,
    ) -> Json:
        """Build the `data` of a command or, with `focus`, of an autocomplete interaction.

        Raises InvalidOption for a value the client would not send, LookupError for a subcommand
        or an option that does not exist.
        """
        steps = descend(command, path)
        declared = (steps[-1] if steps else command).get("options", [])
        options = self._options(declared, values, focus)
        for step in reversed(steps):
            options = [{"name": step["name"], "type": step["type"], "options": options}]
        body: Json = {"id": command["id"], "name": command["name"], "type": command["type"]}
        body["options"] = options
        if "guild_id" in command:
            body["guild_id"] = command["guild_id"]
        if self.resolved:
            body["resolved"] = self.resolved
        return body

    def _options(
        self, declared: list[Json], values: Mapping[str, Value], focus: Focus | None
    ) -> list[Json]:
        names = {option["name"] for option in declared}
        for name in values:
            if name not in names:
                raise LookupError(f"there is no option {name!r}, only {sorted(names)}")
        given = []
        for option in declared:
            name = option["name"]
            if focus is not None and focus.option == name:
                given.append(
                    {"name": name, "type": option["type"], "value": focus.typed, "focused": True}
                )
            elif name in values:
                value = self._value(option, values[name])
                given.append({"name": name, "type": option["type"], "value": value})
            elif option.get("required") and focus is None:
                raise InvalidOption(name, "This option is required.")
        return given

    def _value(self, option: Json, value: Value) -> str | int | float | bool:
        kind = option["type"]
        if kind in (commands.STRING, commands.INTEGER, commands.NUMBER):
            return _scalar(option, value)
        if kind == commands.BOOLEAN:
            return _boolean(option["name"], value)
        if kind == commands.ATTACHMENT:
            return self._attachment(option["name"], value)
        if not isinstance(value, User | Role | Channel | int | str):
            raise InvalidOption(option["name"], "Choose somebody or something that is there.")
        if kind == commands.CHANNEL:
            return self.channel(option["name"], value, option.get("channel_types") or [])
        if kind == commands.USER:
            return self.user(option["name"], value)
        if kind == commands.ROLE:
            return self.role(option["name"], value)
        return self.mentionable(option["name"], value)

    def _attachment(self, name: str, value: Value) -> str:
        if not isinstance(value, Upload):
            raise InvalidOption(name, "Attach a file.")
        attachment = self._files.keep(value, self._channel.id, ephemeral=True)
        self._resolve("attachments", attachment.id, attachment.payload())
        return str(attachment.id)

    def user(self, field: str, value: Entity) -> str:
        """Resolve a person by name, by id or as they are; InvalidOption where there is none."""
        try:
            found = self._world.user(value if isinstance(value, User) else _bare(value))
        except LookupError as error:
            raise InvalidOption(field, str(error)) from error
        return self.resolve_user(found)

    def role(self, field: str, value: Entity) -> str:
        """Resolve a role likewise."""
        for role in self._world.server_of(self._channel).roles.values():
            if value == role or _bare(value) in (role.name.removeprefix("@"), str(role.id)):
                self._resolve("roles", role.id, role.payload())
                return str(role.id)
        raise InvalidOption(field, f"there is no role {value!r}")

    def mentionable(self, field: str, value: Entity) -> str:
        """Resolve a person or a role likewise."""
        if isinstance(value, Role):
            return self.role(field, value)
        try:
            return self.user(field, value)
        except InvalidOption:
            return self.role(field, value)

    def channel(self, field: str, value: Entity, types: Sequence[int]) -> str:
        """Resolve a channel of one of these types (none: any) likewise."""
        try:
            channel = self._world.channel(value if isinstance(value, Channel) else _bare(value))
        except LookupError as error:
            raise InvalidOption(field, str(error)) from error
        if types and channel.kind not in types:
            raise InvalidOption(field, f"#{channel.name} is none of the channels that fit.")
        permissions = self._world.permissions(self._person, channel)
        partial = channel.payload() | {"permissions": str(int(permissions))}
        partial.pop("permission_overwrites", None)
        self._resolve("channels", channel.id, partial)
        return str(channel.id)

    def resolve_user(self, user: User) -> str:
        """Add a user, and the member if they are in the server, to what is resolved."""
        self._resolve("users", user.id, user.payload())
        member = self._world.server_of(self._channel).members.get(user.id)
        if member is not None:
            partial = member.payload()
            for left_out in ("user", "deaf", "mute"):
                del partial[left_out]
            permissions = self._world.permissions(user, self._channel)
            partial["permissions"] = str(int(permissions))
            self._resolve("members", user.id, partial)
        return str(user.id)

    def _resolve(self, kind: str, entity_id: int, payload: Json) -> None:
        self.resolved.setdefault(kind, {})[str(entity_id)] = payload


def _bare(value: object) -> str:
    """Give a name or id as text, without the mark before it."""
    return str(value.id if isinstance(value, User | Role | Channel) else value).lstrip("@#")


def _scalar(option: Json, value: Value) -> str | int | float:
    name, kind = option["name"], option["type"]
    if choices := option.get("choices"):
        for choice in choices:
            if value in (choice["value"], choice["name"]) or str(value) == str(choice["value"]):
                chosen: str | int | float = choice["value"]
                return chosen
        names = ", ".join(choice["name"] for choice in choices)
        raise InvalidOption(name, f"Choose one of: {names}.")
    if kind == commands.STRING:
        return _string(option, value)
    try:
        number: int | float = int(str(value)) if kind == commands.INTEGER else float(str(value))
    except ValueError:
        what = "a whole number" if kind == commands.INTEGER else "a number"
        raise InvalidOption(name, f"Enter {what}.") from None
    low = option.get("min_value", SAFE[0])
    high = option.get("max_value", SAFE[1])
    if not low <= number <= high:
        if "min_value" in option and "max_value" in option:
            raise InvalidOption(name, f"Enter a value between {low:g} and {high:g}.")
        bound = f"at least {low:g}" if number < low else f"at most {high:g}"
        raise InvalidOption(name, f"Enter a value of {bound}.")
    return number


def _string(option: Json, value: Value) -> str:
    text = str(value)
    low, high = option.get("min_length", 0), option.get("max_length", 6000)
    if len(text) > high:
        raise InvalidOption(option["name"], f"At most {high} characters; this has {len(text)}.")
    if len(text) < max(low, 1):
        raise InvalidOption(option["name"], f"At least {max(low, 1)} characters.")
    return text


def _boolean(name: str, value: Value) -> bool:
    answers = {"true": True, "false": False}
    if str(value).lower() not in answers:
        raise InvalidOption(name, "Choose True or False.")
    return answers[str(value).lower()]

"""Acting as a person: commands, clicks, menus, modals, messages, and what one sees."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from playground import commands, components
from playground.drafts import Draft
from playground.files import Upload
from playground.gateway import Intent
from playground.interactions import Interaction, Kind
from playground.invocations import Focus, Resolver, Value
from playground.messages import Message
from playground.permissions import Permission
from playground.state import State
from playground.world import Channel, Overwrite, Role, User

Json = dict[str, Any]
T = TypeVar("T")


class NotPossible(Exception):
    """Something that Discord's client would not let this person do here and now."""


class People:
    """What a person (or a test in their place) does in the playground.

    People and channels are given by name ("mia", "darkroom"), by id, or as they are.
    """

    def __init__(self, state: State) -> None:
        self.state = state

    async def slash(
        self, user: User | str, channel: Channel | str, command: str, /, **options: Value
    ) -> Interaction:
        """Use a slash command, such as "imagine" or "mod history".

        Raises NotPossible when this person cannot use it here, InvalidOption for a value that
        Discord's client refuses.
        """
        return self._invoke(Kind.COMMAND, user, channel, command, options, None)

    async def autocomplete(
        self,
        user: User | str,
        channel: Channel | str,
        command: str,
        option: str,
        typed: str = "",
        /,
        **options: Value,
    ) -> list[Json]:
        """Type into an option and give the choices the bot offers (dicts of name and value)."""
        focus = Focus(option, typed)
        interaction = self._invoke(Kind.AUTOCOMPLETE, user, channel, command, options, focus)
        await interaction.answered(within=3.5)
        return interaction.choices or []

    def _invoke(
        self,
        kind: Kind,
        user: User | str,
        channel: Channel | str,
        command: str,
        options: Mapping[str, Value],
        focus: Focus | None,
    ) -> Interaction:
        person, place = self.state.world.user(user), self.state.world.channel(channel)
        name, *path = command.split()
        definition = self._usable(person, place, name, commands.SLASH)
        resolver = Resolver(self.state.world, self.state.files, place)
        data = resolver.data(definition, path, options, focus)
        return self.state.interactions.open(kind, person, place, data, command=command)

    def _usable(self, person: User, place: Channel, name: str, kind: int) -> Json:
        for command in self.state.commands.usable(person, place):
            if command["name"] == name and command["type"] == kind:
                return command
        raise NotPossible(f"{person.display_name} has no command {name!r} here")

    async def context_menu(
        self, user: User | str, channel: Channel | str, name: str, target: User | Message
    ) -> Interaction:
        """Use a command from the menu of a person or a message."""
        person, place = self.state.world.user(user), self.state.world.channel(channel)
        kind = commands.MESSAGE_MENU if isinstance(target, Message) else commands.USER_MENU
        command = self._usable(person, place, name, kind)
        resolver = Resolver(self.state.world, self.state.files, place)
        data: Json = {"id": command["id"], "name": name, "type": kind, "target_id": str(target.id)}
        if isinstance(target, Message):
            resolver.resolved["messages"] = {str(target.id): target.payload()}
        else:
            resolver.resolve_user(target)
        data["resolved"] = resolver.resolved
        return self.state.interactions.open(Kind.COMMAND, person, place, data, command=name)

    async def click(self, user: User | str, message: Message, button: str) -> Interaction:
        """Click a button, named by its custom id, its label or its emoji."""
        person, component = self._component(user, message, button)
        if component["type"] != components.Kind.BUTTON or "custom_id" not in component:
            raise NotPossible(f"{button!r} is no button that tells the bot")
        data = {"component_type": int(component["type"]), "custom_id": component["custom_id"]}
        return self._use(person, message, data | {"id": component.get("id", 0)})

    async def select(
        self, user: User | str, message: Message, menu: str, values: list[str]
    ) -> Interaction:
        """Choose from a select menu, named by its custom id.

        `values` are the values of options, or for a menu of people the names or ids.
        """
        person, component = self._component(user, message, menu)
        resolver = Resolver(self.state.world, self.state.files, message.channel)
        chosen = self._choices(component, values, resolver)
        data: Json = {
            "component_type": int(component["type"]),
            "custom_id": component["custom_id"],
            "values": chosen,
        }
        if resolver.resolved:
            data["resolved"] = resolver.resolved
        return self._use(person, message, data)

    def _choices(self, component: Json, values: list[str], resolver: Resolver) -> list[str]:
        low, high = component.get("min_values", 1), component.get("max_values", 1)
        if not low <= len(values) <= high:
            raise NotPossible(f"choose between {low} and {high}")
        if component["type"] == components.Kind.STRING_SELECT:
            offered = {option["value"] for option in component["options"]}
            if not set(values) <= offered:
                raise NotPossible(f"the menu offers only {sorted(offered)}")
            return values
        if component["type"] == components.Kind.USER_SELECT:
            return [resolver.resolve_user(self.state.world.user(value)) for value in values]
        raise NotPossible(f"menus of type {component['type']} cannot be used here yet")

    def _component(self, user: User | str, message: Message, name: str) -> tuple[User, Json]:
        person = self.state.world.user(user)
        component = components.find(message.components, name)
        if message.deleted or (message.private_to not in (None, person)):
            raise NotPossible(f"{person.display_name} does not see this message")
        if component is None or component.get("disabled"):
            labels = [button.label or button.emoji for button in message.buttons]
            raise NotPossible(f"nothing to use called {name!r}; there are {labels}")
        return person, component

    def _use(self, person: User, message: Message, data: Json) -> Interaction:
        book = self.state.interactions
        return book.open(Kind.COMPONENT, person, message.channel, data, message=message)

    async def submit(self, interaction: Interaction, values: Mapping[str, str]) -> Interaction:
        """Send the modal that answered an interaction, with values by custom id.

        Fields that are not named keep what the modal was filled in with.
        """
        modal = interaction.modal
        if modal is None:
            raise NotPossible("no modal is open")
        rows = [_filled(row, values) for row in modal["components"]]
        data = {"custom_id": modal["custom_id"], "components": rows}
        return self.state.interactions.open(
            Kind.MODAL_SUBMIT,
            interaction.user,
            interaction.channel,
            data,
            message=interaction.message,
        )

    async def send(
        self, user: User | str, channel: Channel | str, content: str, *files: Upload
    ) -> Message:
        """Write an ordinary message."""
        person, place = self.state.world.user(user), self.state.world.channel(channel)
        if not self.state.world.permissions(person, place) & Permission.SEND_MESSAGES:
            raise NotPossible(f"{person.display_name} may not write here")
        draft = Draft(content.strip(), uploads=dict(enumerate(files)))
        return self.state.messages.create(place, person, draft)

    async def delete_message(self, user: User | str, message: Message) -> None:
        """Delete one's own message, or as a moderator anybody's; dismiss a private one."""
        person = self.state.world.user(user)
        permissions = self.state.world.permissions(person, message.channel)
        if message.private_to is not None:
            allowed = person == message.private_to
        else:
            allowed = person == message.author or bool(permissions & Permission.MANAGE_MESSAGES)
        if not allowed:
            raise NotPossible(f"{person.display_name} may not delete this message")
        self.state.messages.delete(message)

    def messages(self, channel: Channel | str, viewer: User | str | None = None) -> list[Message]:
        """List a channel's messages, oldest first, as `viewer` sees them (None: public only)."""
        person = None if viewer is None else self.state.world.user(viewer)
        return self.state.messages.visible(self.state.world.channel(channel), person)

    def overwrite(
        self,
        channel: Channel | str,
        target: User | Role,
        *,
        allow: Permission = Permission(0),  # noqa: B008 - a flag is a constant
        deny: Permission = Permission(0),  # noqa: B008
    ) -> None:
        """Set what a channel allows and denies to a member or a role."""
        place = self.state.world.channel(channel)
        overwrite = Overwrite(target.id, isinstance(target, User), int(allow), int(deny))
        changed = self.state.world.set_overwrite(place, overwrite)
        self.state.gateway.dispatch("CHANNEL_UPDATE", changed.payload(), Intent.GUILDS)
        self.state.feed.publish("refresh", {})

    def delete_channel(self, channel: Channel | str) -> None:
        """Delete a channel with all its messages."""
        place = self.state.world.channel(channel)
        del self.state.world.channels[place.id]
        self.state.messages.forget_channel(place)
        self.state.gateway.dispatch("CHANNEL_DELETE", place.payload(), Intent.GUILDS)
        self.state.feed.publish("refresh", {})
        self.state.changes.announce()

    def open_direct_messages(self, user: User | str) -> Channel:
        """Open somebody's direct messages with the bot, or give those that are open."""
        person = self.state.world.user(user)
        channel = self.state.world.direct_messages(person)
        if channel is None:
            channel = Channel(self.state.snowflakes.next(), person.username, recipient=person)
            self.state.world.channels[channel.id] = channel
            self.state.feed.publish("refresh", {}, person)
        return channel

    def remove_bot(self) -> None:
        """Remove the bot from the server."""
        world = self.state.world
        del world.members[world.bot.id]
        self.state.gateway.dispatch("GUILD_DELETE", {"id": str(world.guild_id)}, Intent.GUILDS)
        self.state.feed.publish("refresh", {})
        self.state.changes.announce()

    def invite_bot(self) -> None:
        """Let the bot into the server again."""
        world = self.state.world
        world.join_bot()
        payload = world.guild_payload([world.members[world.bot.id]])
        self.state.gateway.dispatch("GUILD_CREATE", payload, Intent.GUILDS)
        self.state.feed.publish("refresh", {})
        self.state.changes.announce()

    async def wait_for(
        self, predicate: Callable[[], T], within: float = 10.0, what: str = "what was waited for"
    ) -> T:
        """Wait for the first true value of `predicate`; TimeoutError after `within` seconds."""
        return await self.state.changes.until(predicate, within, what)


def _filled(row: Json, values: Mapping[str, str]) -> Json:
    """Fill in one row (or label) of a modal."""
    if row["type"] == components.Kind.LABEL:
        return {"type": row["type"], "id": 0, "component": _field(row["component"], values)}
    if row["type"] == components.Kind.TEXT_DISPLAY:
        return {"type": row["type"], "id": 0}
    return {"type": row["type"], "components": [_field(f, values) for f in row["components"]]}


def _field(field: Json, values: Mapping[str, str]) -> Json:
    value = values.get(field["custom_id"], field.get("value") or "")
    answer: Json = {"type": field["type"], "id": 0, "custom_id": field["custom_id"]}
    if field["type"] == components.Kind.STRING_SELECT:
        return answer | {"values": [value] if value else []}
    if field.get("required", True) and not value:
        raise NotPossible(f"{field['custom_id']} must be filled in")
    low, high = field.get("min_length", 0), field.get("max_length", 4000)
    if value and not low <= len(value) <= high:
        raise NotPossible(f"{field['custom_id']} takes {low} to {high} characters")
    return answer | {"value": value}

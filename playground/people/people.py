"""Acting as a person: commands, clicks, menus, modals, messages, and what one sees."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from playground.checks.refusals import NotPossible
from playground.interactions import commands, menus, modals
from playground.interactions.interactions import Interaction, Kind
from playground.interactions.invocations import Focus, Resolver, Value
from playground.messages import components
from playground.messages.drafts import Draft
from playground.messages.files import Upload
from playground.messages.messages import Message
from playground.people.placing import Places
from playground.world.permissions import Permission
from playground.world.places import Channel
from playground.world.users import User

Json = dict[str, Any]
T = TypeVar("T")


class People(Places):
    """What a person (or a test in their place) does in the playground.

    People and channels are given by name ("mia", "darkroom"), by id, or as they are.
    """

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
        resolver = Resolver(self.state.world, self.state.files, person, place)
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
        resolver = Resolver(self.state.world, self.state.files, person, place)
        data: Json = {"id": command["id"], "name": name, "type": kind, "target_id": str(target.id)}
        if "guild_id" in command:
            data["guild_id"] = command["guild_id"]
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

        `values` are the values of options, or names or ids in a menu of people, roles or channels.
        """
        person, component = self._component(user, message, menu)
        resolver = Resolver(self.state.world, self.state.files, person, message.channel)
        data: Json = {
            "component_type": int(component["type"]),
            "custom_id": component["custom_id"],
            "id": component.get("id", 0),
            "values": menus.chosen(component, values, resolver),
        }
        if resolver.resolved:
            data["resolved"] = resolver.resolved
        return self._use(person, message, data)

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

    async def submit(
        self, interaction: Interaction, values: Mapping[str, str | list[str]]
    ) -> Interaction:
        """Send the modal that answered an interaction, with values by custom id.

        A menu takes a list of values. Fields that are not named keep what the modal was filled
        in with. Raises NotPossible for a value that Discord's client would not send.
        """
        if interaction.modal is None:
            raise NotPossible("no modal is open")
        resolver = Resolver(
            self.state.world, self.state.files, interaction.user, interaction.channel
        )
        return self.state.interactions.open(
            Kind.MODAL_SUBMIT,
            interaction.user,
            interaction.channel,
            modals.fill(interaction.modal, values, resolver),
            message=interaction.message,
            opened_by=interaction,
        )

    async def send(
        self, user: User | str, channel: Channel | str, content: str, *files: Upload
    ) -> Message:
        """Write an ordinary message."""
        person, place = self.state.world.user(user), self.state.world.channel(channel)
        if not self.state.world.may_write(person, place):
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

    async def wait_for(
        self, predicate: Callable[[], T], within: float = 10.0, what: str = "what was waited for"
    ) -> T:
        """Wait for the first true value of `predicate`; TimeoutError after `within` seconds."""
        return await self.state.changes.until(predicate, within, what)

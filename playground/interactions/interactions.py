"""Interactions: what people do with the bot, and the bot's answers to it."""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from playground.changes import Changes
from playground.checks import schemas
from playground.checks.refusals import (
    FormErrors,
    Refusal,
    already_acknowledged,
    invalid_webhook_token,
    unknown,
)
from playground.clock import Clock, Snowflakes
from playground.interactions import commands
from playground.messages import components, drafts
from playground.messages.drafts import EPHEMERAL, LOADING, Draft
from playground.messages.messages import COMMAND_ANSWER, MENU_ANSWER, REPLY, Message, MessageBook
from playground.messages.origins import Origin
from playground.wire.bodies import Body
from playground.world.places import Channel
from playground.world.users import User
from playground.world.world import World

Json = dict[str, Any]

ANSWER_WITHIN_S = 3.0
TOKEN_LIVES_S = 900.0
"""Both from the API reference, "Receiving and Responding"."""


class Kind(IntEnum):
    """Interaction types."""

    COMMAND = 2
    COMPONENT = 3
    AUTOCOMPLETE = 4
    MODAL_SUBMIT = 5


class Callback(IntEnum):
    """The ways to answer an interaction first."""

    PONG = 1
    MESSAGE = 4
    DEFERRED_MESSAGE = 5
    DEFERRED_UPDATE = 6
    UPDATE = 7
    CHOICES = 8
    MODAL = 9


_ANSWERS = {
    Kind.COMMAND: {Callback.MESSAGE, Callback.DEFERRED_MESSAGE, Callback.MODAL},
    Kind.COMPONENT: {
        Callback.MESSAGE,
        Callback.DEFERRED_MESSAGE,
        Callback.DEFERRED_UPDATE,
        Callback.UPDATE,
        Callback.MODAL,
    },
    Kind.AUTOCOMPLETE: {Callback.CHOICES},
    Kind.MODAL_SUBMIT: {
        Callback.MESSAGE,
        Callback.DEFERRED_MESSAGE,
        Callback.DEFERRED_UPDATE,
        Callback.UPDATE,
    },
}


@dataclass(slots=True, eq=False)
class Interaction:
    """One thing that a person did with the bot, and how it was answered so far.

    `original` is the message of the first answer, `message` the one whose component was used, and
    `opened_by` the interaction that was answered with the modal that this one sends.
    """

    id: int
    token: str
    kind: Kind
    user: User
    channel: Channel
    data: Json
    opened: float
    changes: Changes
    clock: Clock
    command: str | None = None
    message: Message | None = None
    opened_by: "Interaction | None" = None
    acknowledged: Callback | None = None
    took: float | None = None
    original: Message | None = None
    follow_ups: list[Message] = field(default_factory=list)
    modal: Json | None = None
    choices: list[Json] | None = None

    @property
    def unanswered(self) -> bool:
        """Whether the three seconds passed without an answer."""
        late = self.clock.now() - self.opened > ANSWER_WITHIN_S
        return self.acknowledged is None and late

    async def answered(self, within: float = 10.0) -> "Interaction":
        """Wait for the first answer, whatever it is; TimeoutError when none comes."""
        what = f"an answer to {self.command or self.data.get('custom_id')}"
        await self.changes.until(lambda: self.acknowledged is not None, within, what)
        return self

    async def response(self, within: float = 10.0) -> Message:
        """Wait until the first answer is a message with something in it, and give it."""

        def arrived() -> Message | None:
            shown = self.original
            return shown if shown is not None and not shown.thinking else None

        return await self.changes.until(arrived, within, f"a message for {self.command}")

    async def follow_up(self, index: int = 0, within: float = 10.0) -> Message:
        """Wait for a later message of the same interaction."""
        what = f"follow-up {index} of {self.command}"
        await self.changes.until(lambda: len(self.follow_ups) > index, within, what)
        return self.follow_ups[index]


class InteractionBook:
    """All interactions, and the rules by which the bot may answer them."""

    def __init__(
        self,
        world: World,
        messages: MessageBook,
        clock: Clock,
        snowflakes: Snowflakes,
        changes: Changes,
        *,
        attachment_size_limit: int,
        dispatch: Callable[[str, Json], None],
        tell: Callable[[Interaction], None],
    ) -> None:
        self._world = world
        self._messages = messages
        self._clock = clock
        self._snowflakes = snowflakes
        self._changes = changes
        self._attachment_size_limit = attachment_size_limit
        self._dispatch = dispatch
        self._tell = tell
        self._by_token: dict[str, Interaction] = {}

    def all(self) -> list[Interaction]:
        """List every interaction, oldest first."""
        return list(self._by_token.values())

    def find(self, interaction_id: int) -> Interaction | None:
        """Find an interaction by its id."""
        return next((i for i in self._by_token.values() if i.id == interaction_id), None)

    def open(
        self,
        kind: Kind,
        user: User,
        channel: Channel,
        data: Json,
        *,
        command: str | None = None,
        message: Message | None = None,
        opened_by: Interaction | None = None,
    ) -> Interaction:
        """Send an interaction to the bot."""
        interaction = Interaction(
            self._snowflakes.next(),
            secrets.token_urlsafe(64),
            kind,
            user,
            channel,
            data,
            self._clock.now(),
            self._changes,
            self._clock,
            command,
            message,
            opened_by,
        )
        self._by_token[interaction.token] = interaction
        self._dispatch("INTERACTION_CREATE", self.payload(interaction))
        loop = asyncio.get_running_loop()
        loop.call_later(ANSWER_WITHIN_S + 0.05, self._check_deadline, interaction)
        return interaction

    def _check_deadline(self, interaction: Interaction) -> None:
        if interaction.acknowledged is None:
            self._tell(interaction)

    def payload(self, interaction: Interaction) -> Json:
        """Give Discord's interaction object."""
        world, user, channel = self._world, interaction.user, interaction.channel
        in_guild = channel.guild_id is not None
        permissions = str(int(world.permissions(user, channel)))
        body: Json = {
            "id": str(interaction.id),
            "application_id": str(world.application_id),
            "type": int(interaction.kind),
            "token": interaction.token,
            "version": 1,
            "data": interaction.data,
            "channel_id": str(channel.id),
            "channel": channel.payload() | {"permissions": permissions},
            "app_permissions": str(int(world.permissions(world.bot, channel))),
            "locale": world.locale_of(user),
            "entitlements": [],
            "authorizing_integration_owners": {"0": str(channel.guild_id or 0)},
            "context": 0 if in_guild else 1,
            "attachment_size_limit": self._attachment_size_limit,
        }
        if in_guild:
            server = world.server_of(channel)
            member = server.members[user.id].payload() | {"permissions": permissions}
            guild = {"id": str(server.id), "locale": server.locale, "features": []}
            body |= {
                "guild_id": str(channel.guild_id),
                "guild": guild,
                "guild_locale": server.locale,
                "member": member,
            }
        else:
            body["user"] = user.payload()
        if interaction.message is not None:
            body["message"] = interaction.message.payload()
        return body

    def to_answer(self, interaction_id: int, token: str) -> Interaction:
        """Find the interaction that the bot wants to answer first.

        Raises Refusal 10062 when there is none or its three seconds are over, 40060 when it was
        answered before.
        """
        interaction = self._by_token.get(token)
        if interaction is None or interaction.id != interaction_id or interaction.unanswered:
            raise unknown("Interaction")
        if interaction.acknowledged is not None:
            raise already_acknowledged()
        return interaction

    def by_token(self, application_id: int, token: str) -> Interaction:
        """Find the interaction whose token the bot uses after its first answer.

        Raises Refusal 10015 when there is none or it has not been answered, 50027 when the token
        is older than fifteen minutes.
        """
        interaction = self._by_token.get(token)
        if interaction is None or application_id != self._world.application_id:
            raise unknown("Webhook")
        if self._clock.now() - interaction.opened > TOKEN_LIVES_S:
            raise invalid_webhook_token()
        if interaction.acknowledged is None:
            raise unknown("Webhook")
        return interaction

    def answer(self, interaction: Interaction, body: Body) -> Callback:
        """Take the bot's first answer."""
        fields = body.fields
        errors = FormErrors()
        schemas.FIRST_ANSWER.check(fields, errors, "")
        errors.raise_if_any()
        kind = fields["type"]
        if kind not in _ANSWERS[interaction.kind]:
            allowed = ", ".join(str(int(one)) for one in sorted(_ANSWERS[interaction.kind]))
            errors.add("type", "BASE_TYPE_CHOICES", f"Value must be one of {{{allowed}}}.")
            errors.raise_if_any()
        callback = Callback(int(str(kind)))
        data = fields.get("data") or {}
        if callback in (Callback.CHOICES, Callback.MODAL) and fields.get("data") is None:
            errors.required("data")
            errors.raise_if_any()
        if callback is Callback.MESSAGE:
            draft = drafts.read(body, data, under="data.")
            interaction.original = self._post(interaction, draft, draft.flags & EPHEMERAL)
        elif callback is Callback.DEFERRED_MESSAGE:
            schemas.MESSAGE.check(data, errors, "data")
            errors.raise_if_any()
            flags = LOADING | (int(data.get("flags") or 0) & EPHEMERAL)
            interaction.original = self._post(interaction, Draft(), flags)
        elif callback is Callback.CHOICES:
            interaction.choices = _checked_choices(interaction, data)
        elif callback is Callback.MODAL:
            components.check_modal(data, errors, "data")
            errors.raise_if_any()
            components.complete(data["components"])
            interaction.modal = data
        else:
            self._update(interaction, callback, body, data)
        interaction.acknowledged = callback
        interaction.took = self._clock.now() - interaction.opened
        self._tell(interaction)
        return callback

    def _update(self, interaction: Interaction, callback: Callback, body: Body, data: Json) -> None:
        """Answer by changing the message whose component was used, now or later."""
        if interaction.message is None or interaction.message.deleted:
            raise unknown("Message")
        interaction.original = interaction.message
        if callback is Callback.UPDATE:
            self._messages.edit(interaction.message, drafts.read(body, data, under="data."))

    def follow_up(self, interaction: Interaction, draft: Draft) -> Message:
        """Post another message.

        Right after a deferred answer it fills in that answer instead, as Discord still does.
        """
        original = interaction.original
        if original is not None and original.thinking and not original.deleted:
            return self._messages.edit(original, draft)
        message = self._post(interaction, draft, draft.flags & EPHEMERAL, later=True)
        interaction.follow_ups.append(message)
        return message

    def message(self, interaction: Interaction, name: str) -> Message:
        """Find `@original` or another message of the interaction; Refusal 10008 if none."""
        if name == "@original":
            message = interaction.original
        else:
            known = [*interaction.follow_ups, interaction.original, interaction.message]
            message = next((m for m in known if m is not None and str(m.id) == name), None)
        if message is None or message.deleted:
            raise unknown("Message")
        return message

    def _post(
        self, interaction: Interaction, draft: Draft, flags: int, *, later: bool = False
    ) -> Message:
        if interaction.channel.id not in self._world.channels:
            raise unknown("Channel")
        reply_to, kind = interaction.message, REPLY
        if later and interaction.original is not None and not interaction.original.deleted:
            reply_to = interaction.original
        elif interaction.kind is Kind.COMMAND:
            is_slash = interaction.data.get("type") == commands.SLASH
            kind = COMMAND_ANSWER if is_slash else MENU_ANSWER
        original = interaction.original
        return self._messages.create(
            interaction.channel,
            self._world.bot,
            draft,
            kind=kind,
            flags=flags,
            origin=self._origin(interaction),
            original_response_id=original.id if later and original else None,
            reply_to=reply_to,
            private_to=interaction.user if flags & EPHEMERAL else None,
        )

    def _origin(self, interaction: Interaction) -> Origin:
        target = int(interaction.data.get("target_id", 0))
        in_menu_of = interaction.data.get("type")
        opener = interaction.opened_by
        return Origin(
            interaction.id,
            interaction.kind,
            interaction.user,
            interaction.command,
            interaction.channel.guild_id,
            command_type=in_menu_of or commands.SLASH,
            interacted_message_id=interaction.message.id if interaction.message else None,
            target_user=self._world.users[target] if in_menu_of == commands.USER_MENU else None,
            target_message_id=target if in_menu_of == commands.MESSAGE_MENU else None,
            triggering=None if opener is None else self._origin(opener),
        )


def _checked_choices(interaction: Interaction, data: Json) -> list[Json]:
    kind = _focused_type(interaction.data.get("options", []))
    errors = FormErrors()
    schemas.SUGGESTIONS[kind].check(data, errors, "data")
    errors.raise_if_any()
    return data.get("choices") or []


def _focused_type(options: list[Json]) -> int:
    for option in options:
        if option.get("focused"):
            return int(option["type"])
        if inner := option.get("options"):
            return _focused_type(inner)
    raise Refusal(400, 50035, "Invalid Form Body")

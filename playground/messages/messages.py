"""Messages: made, changed, removed, and told to the bot and to the page."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from playground.checks.refusals import Refusal, blocked_by_automod, empty_message, unknown
from playground.clock import Clock, Snowflakes
from playground.messages import components, embeds, mentions
from playground.messages.drafts import EPHEMERAL, LOADING, Draft, FileEntry
from playground.messages.files import Attachment, FileHost
from playground.messages.mentions import Mentions
from playground.messages.origins import Origin
from playground.world.permissions import Permission
from playground.world.places import Channel
from playground.world.users import User
from playground.world.world import World

Json = dict[str, Any]

NONCE_LIFETIME_S = 300
"""How long `enforce_nonce` remembers a nonce: "the past few minutes" in the API reference."""

PLAIN, REPLY, COMMAND_ANSWER, THREAD_STARTER, MENU_ANSWER = 0, 19, 20, 21, 23
"""Message types."""

HAS_THREAD = 1 << 5


@dataclass(frozen=True, slots=True)
class Button:
    """A button as a person sees it."""

    label: str | None
    emoji: str | None
    custom_id: str | None
    url: str | None
    style: int
    disabled: bool


@dataclass(slots=True, eq=False)
class Message:
    """A message as it is now. `private_to` is the one person who sees an ephemeral one."""

    id: int
    channel: Channel
    author: User
    type: int
    created: float
    content: str = ""
    embeds: list[Json] = field(default_factory=list)
    components: list[Json] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    flags: int = 0
    mentions: Mentions = field(default_factory=Mentions)
    nonce: str | None = None
    tts: bool = False
    edited: float | None = None
    deleted: bool = False
    edits: int = 0
    origin: Origin | None = None
    original_response_id: int | None = None
    application_id: int | None = None
    reply_to: "Message | None" = None
    private_to: User | None = None
    thread: Channel | None = None

    @property
    def ephemeral(self) -> bool:
        """Whether only one person sees it."""
        return bool(self.flags & EPHEMERAL)

    @property
    def thinking(self) -> bool:
        """Whether it is the "is thinking…" of a deferred answer."""
        return bool(self.flags & LOADING)

    @property
    def buttons(self) -> list[Button]:
        """Its buttons in reading order."""
        return [
            Button(
                item.get("label"),
                (item.get("emoji") or {}).get("name"),
                item.get("custom_id"),
                item.get("url"),
                item["style"],
                bool(item.get("disabled")),
            )
            for item in components.walk(self.components)
            if item["type"] == components.Kind.BUTTON
        ]

    def visible_attachments(self) -> list[Attachment]:
        """Its files, without those that an embed shows."""
        shown = {address for embed in self.embeds for address in embeds.addresses(embed)}
        return [attachment for attachment in self.attachments if attachment.url not in shown]

    def payload(self) -> Json:
        """Give Discord's message object."""
        body: Json = {
            "id": str(self.id),
            "channel_id": str(self.channel.id),
            "author": self.author.payload(),
            "type": self.type,
            "content": self.content,
            "timestamp": _timestamp(self.created),
            "edited_timestamp": None if self.edited is None else _timestamp(self.edited),
            "tts": self.tts,
            "mention_everyone": self.mentions.everyone,
            "mentions": [user.payload() for user in self.mentions.users],
            "mention_roles": [str(role_id) for role_id in self.mentions.role_ids],
            "attachments": [attachment.payload() for attachment in self.visible_attachments()],
            "embeds": self.embeds,
            "components": self.components,
            "pinned": False,
            "flags": self.flags,
        }
        if self.nonce is not None:
            body["nonce"] = self.nonce
        if self.application_id is not None:
            body["application_id"] = str(self.application_id)
        if self.origin is not None:
            body["webhook_id"] = str(self.application_id)
            body["interaction_metadata"] = self.origin.metadata(self.original_response_id)
            if self.origin.command is not None:
                body["interaction"] = {
                    "id": str(self.origin.interaction_id),
                    "type": self.origin.kind,
                    "name": self.origin.command,
                    "user": self.origin.user.payload(),
                }
        if self.thread is not None:
            body["thread"] = self.thread.payload()
        if self.reply_to is not None:
            original = self.reply_to
            reference = {
                "channel_id": str(original.channel.id),
                "message_id": str(original.id),
            }
            if self.channel.guild_id is not None:
                reference["guild_id"] = str(self.channel.guild_id)
            body["message_reference"] = {"type": 0, **reference}
            # One level only: what a reply replies to is not nested further.
            shown = None if self.reply_to.deleted else self.reply_to.payload()
            if shown is not None:
                shown.pop("referenced_message", None)
            body["referenced_message"] = shown
        return body


class MessageChange(Enum):
    """What happened to a message."""

    CREATED = "MESSAGE_CREATE"
    UPDATED = "MESSAGE_UPDATE"
    DELETED = "MESSAGE_DELETE"


class MessageBook:
    """All messages of all channels."""

    def __init__(
        self,
        world: World,
        files: FileHost,
        clock: Clock,
        snowflakes: Snowflakes,
        tell: Callable[[MessageChange, Message], None],
    ) -> None:
        self._world = world
        self._files = files
        self._clock = clock
        self._snowflakes = snowflakes
        self._tell = tell
        self._messages: dict[int, Message] = {}
        # What AutoMod takes from nobody, with the error code that it answers with.
        self.automod: dict[str, int] = {}
        self._nonces: dict[tuple[int, int, str], Message] = {}

    def get(self, channel: Channel, message_id: int) -> Message:
        """Find a message in a channel; Refusal 10008 when it is not there."""
        message = self._messages.get(message_id)
        if message is None or message.channel.id != channel.id:
            raise unknown("Message")
        return message

    def find(self, message_id: int) -> Message | None:
        """Find a message by its id alone."""
        return self._messages.get(message_id)

    def visible(self, channel: Channel, viewer: User | None = None) -> list[Message]:
        """List a channel's messages, oldest first, with the private ones of `viewer`."""
        return [
            message
            for message in self._messages.values()
            if message.channel.id == channel.id
            and (message.private_to is None or message.private_to == viewer)
        ]

    def everything(self) -> list[Message]:
        """List all messages of all channels, private ones too, oldest first."""
        return list(self._messages.values())

    def create(
        self,
        channel: Channel,
        author: User,
        draft: Draft,
        *,
        kind: int = PLAIN,
        flags: int = 0,
        origin: Origin | None = None,
        original_response_id: int | None = None,
        reply_to: Message | None = None,
        private_to: User | None = None,
    ) -> Message:
        """Post a message.

        A nonce that this author used here in the last minutes gives the message of that time,
        when the draft enforces it. Raises Refusal 50006 for a message with nothing in it.
        """
        nonce_key = (channel.id, author.id, draft.nonce or "")
        known = self._nonces.get(nonce_key) if draft.nonce and draft.enforce_nonce else None
        if known and self._clock.now() - known.created < NONCE_LIFETIME_S:
            return known
        message = Message(
            self._snowflakes.next(),
            channel,
            author,
            kind,
            self._clock.now(),
            flags=flags,
            nonce=draft.nonce,
            tts=draft.tts,
            origin=origin,
            original_response_id=original_response_id,
            application_id=self._world.application_id if author.bot else None,
            reply_to=reply_to,
            private_to=private_to,
        )
        self._fill(message, draft)
        self._messages[message.id] = message
        if draft.nonce:
            self._nonces[nonce_key] = message
        self._tell(MessageChange.CREATED, message)
        return message

    def edit(self, message: Message, draft: Draft) -> Message:
        """Change a message; Refusal 50006 when nothing would be left of it."""
        before = message.flags
        message.flags &= ~LOADING
        try:
            self._fill(message, draft)
        except Refusal:
            message.flags = before
            raise
        message.edited = self._clock.now()
        message.edits += 1
        self._tell(MessageChange.UPDATED, message)
        return message

    def delete(self, message: Message) -> None:
        """Remove a message."""
        del self._messages[message.id]
        message.deleted = True
        self._tell(MessageChange.DELETED, message)

    def hang_thread(self, message: Message, thread: Channel | None) -> None:
        """Let a message show the thread that was begun from it, or none any more."""
        message.thread = thread
        message.flags = message.flags & ~HAS_THREAD | (HAS_THREAD if thread else 0)
        self._tell(MessageChange.UPDATED, message)

    def forget_channel(self, channel: Channel) -> None:
        """Drop a channel's messages without a word, as a deleted channel does."""
        for message in [m for m in self._messages.values() if m.channel.id == channel.id]:
            message.deleted = True
            del self._messages[message.id]

    def _fill(self, message: Message, draft: Draft) -> None:
        """Apply a draft; nothing changes when it is refused."""
        content = message.content if draft.content is None else draft.content
        if message.channel.guild_id is not None and message.private_to is None:
            for word, code in self.automod.items():
                if word in content:
                    raise blocked_by_automod(code)
        frames = message.embeds if draft.embeds is None else draft.embeds
        rows = message.components if draft.components is None else draft.components
        attachments = self._attachments(message, draft)
        by_itself = message.thinking or message.type == THREAD_STARTER
        if not (content or frames or attachments or rows or by_itself):
            raise empty_message()
        message.attachments = attachments
        message.embeds = [embeds.finished(frame, attachments) for frame in frames]
        message.content, message.components = content, rows
        if draft.content is not None or draft.allowed_mentions is not None:
            everyone = self._world.permissions(message.author, message.channel)
            message.mentions = mentions.evaluate(
                content,
                draft.allowed_mentions,
                self._world,
                may_ping_everyone=bool(everyone & Permission.MENTION_EVERYONE),
            )

    def _attachments(self, message: Message, draft: Draft) -> list[Attachment]:
        """Work out the files of a message: those kept, in the order given, and the new ones."""
        in_embeds = [a for a in message.attachments if a not in message.visible_attachments()]
        if draft.entries is None:
            kept = list(message.attachments)
            new = [FileEntry(index, None, None) for index in sorted(draft.uploads)]
            return kept + [self._keep(message, draft, entry) for entry in new]
        by_id = {attachment.id: attachment for attachment in message.attachments}
        listed = []
        for entry in draft.entries:
            if entry.id in draft.uploads:
                listed.append(self._keep(message, draft, entry))
            elif entry.id in by_id:
                listed.append(by_id[entry.id])
        # What an embed shows is not listed among the attachments and stays with the embed.
        if draft.embeds is None:
            listed += [attachment for attachment in in_embeds if attachment not in listed]
        return listed

    def _keep(self, message: Message, draft: Draft, entry: FileEntry) -> Attachment:
        return self._files.keep(
            draft.uploads[entry.id],
            message.channel.id,
            description=entry.description,
            filename=entry.filename,
            ephemeral=message.ephemeral,
            spoiler=entry.spoiler,
        )


def _timestamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")

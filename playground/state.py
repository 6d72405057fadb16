"""Everything the playground knows, tied together."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from playground.changes import Changes
from playground.clock import Clock, Snowflakes
from playground.interactions.commands import CommandBook
from playground.interactions.interactions import Interaction, InteractionBook, Kind
from playground.messages.files import FileHost
from playground.messages.messages import Message, MessageBook, MessageChange
from playground.page.feed import Feed
from playground.wire.faults import Faults, RequestLog
from playground.wire.gateway import Gateway, Intent, Shard
from playground.wire.observing import Observer
from playground.world.furniture import furnish
from playground.world.permissions import Permission
from playground.world.places import Channel
from playground.world.servers import Server
from playground.world.users import User

Json = dict[str, Any]


class State:
    """The world, its messages, commands and interactions, and who is told of changes."""

    def __init__(
        self,
        token: str,
        attachment_size_limit: int,
        privileged_intents: Intent,
        ahead: float = 0.0,
    ) -> None:
        self.token = token
        self.attachment_size_limit = attachment_size_limit
        self.privileged_intents = privileged_intents
        self.clock = Clock(ahead)
        self.snowflakes = Snowflakes(self.clock)
        self.changes = Changes()
        self.feed = Feed()
        self.faults = Faults()
        self.log = RequestLog()
        self.observers: list[Observer] = []
        self.world = furnish(self.snowflakes)
        self.files = FileHost(self.snowflakes)
        self.gateway = Gateway(
            token,
            self.clock,
            privileged_intents=privileged_intents,
            greet=self._greet,
            members=self._members,
            tell=self._bot_changed,
            observers=self.observers,
        )
        self.messages = MessageBook(
            self.world, self.files, self.clock, self.snowflakes, self._message_changed
        )
        self.commands = CommandBook(self.world, self.clock, self.snowflakes, self._commands_changed)
        self.interactions = InteractionBook(
            self.world,
            self.messages,
            self.clock,
            self.snowflakes,
            self.changes,
            attachment_size_limit=attachment_size_limit,
            dispatch=self.gateway.dispatch,
            tell=self._interaction_changed,
        )

    @property
    def ready(self) -> bool:
        """Whether the bot listens and has told its commands."""
        return self.gateway.connected and self.commands.syncs > 0

    def may_see(self, viewer: User, channel: Channel) -> bool:
        """Whether somebody may look into a channel."""
        return bool(self.world.permissions(viewer, channel) & Permission.VIEW_CHANNEL)

    def bot_status(self) -> Json:
        """Say how far the bot is, for the page."""
        return {
            "connected": self.gateway.connected,
            "ready": self.ready,
            "seen": self.gateway.identifies > 0,
        }

    def _greet(self, intents: Intent, shard: Shard) -> tuple[Json, Iterator[tuple[str, Json]]]:
        world = self.world
        servers = [one for one in world.servers if world.joined(one.id) and shard.hears(one.id)]
        ready: Json = {
            "v": 10,
            "user": world.bot.payload() | {"verified": True, "mfa_enabled": True, "email": None},
            "guilds": [{"id": str(one.id), "unavailable": True} for one in servers],
            "private_channels": [],
            "relationships": [],
            "user_settings": {},
            "application": {"id": str(world.application_id), "flags": self.application_flags()},
            "session_type": "normal",
            "_trace": [],
        }
        return ready, self._arrivals(servers, intents)

    def _arrivals(self, servers: list[Server], intents: Intent) -> Iterator[tuple[str, Json]]:
        """Tell of each server; without the members intent Discord names only the bot itself."""
        everyone, bot = bool(intents & Intent.GUILD_MEMBERS), self.world.bot
        places: dict[int | None, list[Channel]] = defaultdict(list)
        for channel in self.world.channels.values():
            places[channel.guild_id].append(channel)
        for server in servers:
            arrival = server.arrival(places[server.id], named=lambda user: everyone or user == bot)
            yield "GUILD_CREATE", arrival

    def announce(self, server: Server) -> None:
        """Tell the bot that it is in a server now."""
        for event, arrival in self._arrivals([server], Intent.GUILDS):
            self.gateway.dispatch(event, arrival, Intent.GUILDS)

    def application_flags(self) -> int:
        """Say which privileged intents the application may use, as Discord's flags do."""
        granted = self.privileged_intents
        return (
            bool(granted & Intent.PRESENCES) << 13
            | bool(granted & Intent.GUILD_MEMBERS) << 15
            | bool(granted & Intent.MESSAGE_CONTENT) << 19
        )

    def _members(self, wanted: Json) -> Json:
        """Answer a request for members by ids or by the beginning of their names."""
        ids = wanted.get("user_ids")
        listed = [str(one) for one in ids] if isinstance(ids, list) else [str(ids)]
        server = self.world.joined(int(wanted["guild_id"])) or self.world.home
        found = [
            member.payload()
            for member in server.members.values()
            if (str(member.user.id) in listed)
            or (ids is None and member.user.username.startswith(wanted.get("query") or ""))
        ]
        body: Json = {
            "guild_id": str(server.id),
            "members": found,
            "chunk_index": 0,
            "chunk_count": 1,
            "not_found": [],
        }
        if "nonce" in wanted:
            body["nonce"] = wanted["nonce"]
        return body

    def _message_changed(self, change: MessageChange, message: Message) -> None:
        channel = message.channel
        in_guild = channel.guild_id is not None
        if change is MessageChange.DELETED:
            news: Json = {"id": str(message.id), "channel_id": str(channel.id)}
            self.feed.publish("message_deleted", news, message.private_to)
            full, bare = news, news
        else:
            full = message.payload()
            for viewer in self.feed.viewers():
                private = message.private_to is not None and message.private_to != viewer
                seen = self.world.is_shown(channel) and self.may_see(viewer, channel)
                if not private and seen:
                    self.feed.publish("message", {"message": full}, viewer)
            bare = full if self._bot_reads(message) else full | _WITHHELD
        if in_guild:
            place: Json = {"guild_id": str(channel.guild_id)}
            author = self.world.server_of(channel).members.get(message.author.id)
            if author is not None and change is not MessageChange.DELETED:
                member = author.payload()
                del member["user"]
                place["member"] = member
            full, bare = full | place, bare | place
        if self.may_see(self.world.bot, channel):
            intent = Intent.GUILD_MESSAGES if in_guild else Intent.DIRECT_MESSAGES
            self.gateway.dispatch(change.value, full, intent, bare=bare)
        self.changes.announce()

    def _bot_reads(self, message: Message) -> bool:
        """Whether a bot without the message content intent sees what this message says."""
        bot = self.world.bot
        direct = message.channel.guild_id is None
        return direct or message.author == bot or bot in message.mentions.users

    def _commands_changed(self) -> None:
        self._bot_changed()
        for viewer in self.feed.viewers():
            self.feed.publish("commands", {"commands": self.commands_by_channel(viewer)}, viewer)

    def commands_by_channel(self, viewer: User) -> dict[str, list[Json]]:
        """List what somebody may use in each channel they see."""
        return {
            str(channel.id): self.commands.usable(viewer, channel)
            for channel in self.world.shown_channels
            if self.may_see(viewer, channel)
        }

    def _bot_changed(self) -> None:
        self.feed.publish("bot", self.bot_status())
        self.changes.announce()

    def _interaction_changed(self, interaction: Interaction) -> None:
        news: Json = {"id": str(interaction.id), "type": int(interaction.kind)}
        if interaction.acknowledged is None:
            news["status"] = "unanswered"
        elif interaction.modal is not None:
            news |= {"status": "modal", "modal": interaction.modal}
        else:
            news["status"] = "answered"
        if interaction.kind is not Kind.AUTOCOMPLETE:
            self.feed.publish("interaction", news, interaction.user)
        self.changes.announce()


_WITHHELD: Json = {"content": "", "embeds": [], "attachments": [], "components": []}

"""What happens to places: channels, threads, direct messages, and the bot's own coming."""

from datetime import UTC, datetime

from playground.checks.refusals import NotPossible
from playground.messages.drafts import Draft
from playground.messages.messages import THREAD_STARTER, Message
from playground.state import State
from playground.wire.gateway import Intent, Shard
from playground.world import permissions
from playground.world.permissions import Permission
from playground.world.places import Channel, Kind, Overwrite, Thread
from playground.world.servers import Server
from playground.world.users import Member, Role, User

THREAD_NAME = 100
"""The most characters in a thread's name."""


class Places:
    """Opens, changes and removes places, and tells the bot and the page of it."""

    def __init__(self, state: State) -> None:
        self.state = state

    def join(self, username: str) -> User:
        """Let somebody new into the server; they are shown by their user name, capitalised."""
        person = User(self.state.snowflakes.next(), username, username.capitalize())
        self.state.world.users[person.id] = person
        self.state.world.members[person.id] = Member(person, (), datetime.now(UTC))
        self.state.feed.publish("refresh", {})
        return person

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
        """Delete a channel or a thread, with all its messages and the threads in it."""
        place = self.state.world.channel(channel)
        threads = [] if place.kind is Kind.THREAD else self.state.world.threads(place)
        for gone in (*threads, place):
            del self.state.world.channels[gone.id]
            self.state.messages.forget_channel(gone)
        if place.thread is None:
            self.state.gateway.dispatch("CHANNEL_DELETE", place.payload(), Intent.GUILDS)
        else:
            whole = place.payload()
            news = {key: whole[key] for key in ("id", "guild_id", "parent_id", "type")}
            self.state.gateway.dispatch("THREAD_DELETE", news, Intent.GUILDS)
            if (starter := self.state.messages.find(place.id)) is not None:
                self.state.messages.hang_thread(starter, None)
        self.state.feed.publish("refresh", {})
        self.state.changes.announce()

    async def start_thread(self, user: User | str, message: Message, name: str) -> Channel:
        """Begin a thread from a message; the thread has the message's id.

        Raises NotPossible where there cannot be one, or this person may not begin it.
        """
        world = self.state.world
        person, parent = world.user(user), world.channel(message.channel)
        if parent.kind is not Kind.TEXT or parent.guild_id is None or message.private_to:
            raise NotPossible("There can be no thread here.")
        if not world.permissions(person, parent) & Permission.CREATE_PUBLIC_THREADS:
            raise NotPossible(f"{person.display_name} may not begin threads here")
        if message.id in world.channels:
            raise NotPossible("A thread has already been created for this message")
        if not 1 <= len(name.strip()) <= THREAD_NAME:
            raise NotPossible(f"A thread's name has 1 to {THREAD_NAME} characters.")
        about = Thread(parent.id, person.id, datetime.now(UTC))
        thread = Channel(message.id, name.strip(), guild_id=parent.guild_id, thread=about)
        world.channels[thread.id] = thread
        news = thread.payload() | {"newly_created": True}
        self.state.gateway.dispatch("THREAD_CREATE", news, Intent.GUILDS)
        self.state.messages.hang_thread(message, thread)
        self.state.messages.create(thread, person, Draft(), kind=THREAD_STARTER, reply_to=message)
        self.state.feed.publish("refresh", {})
        return thread

    def delete_thread(self, user: User | str, thread: Channel | str) -> None:
        """Delete a thread, as somebody who manages threads may; NotPossible for others."""
        person, place = self.state.world.user(user), self.state.world.channel(thread)
        if place.kind is not Kind.THREAD:
            raise NotPossible("This is no thread.")
        if not self.state.world.permissions(person, place) & Permission.MANAGE_THREADS:
            raise NotPossible(f"{person.display_name} may not delete threads")
        self.delete_channel(place)

    def open_server(self, name: str, shard: Shard) -> Channel:
        """Open another server that a shard hears of, with everyone in it; give its one channel.

        The page does not show it.
        """
        world, ids = self.state.world, self.state.snowflakes
        server = Server(ids.next_where(shard.hears), name, world.owner_id, datetime.now(UTC))
        everyone = Role(server.id, "@everyone", permissions.EVERYONE, 0)
        managed = Role(ids.next(), "Darkroom", permissions.BOT, 1, bot_id=world.bot.id)
        server.roles = {role.id: role for role in (everyone, managed)}
        for user in world.users.values():
            held = (managed.id,) if user == world.bot else ()
            server.members[user.id] = Member(user, held, server.created)
        channel = Channel(ids.next(), "darkroom", guild_id=server.id)
        world.others[server.id] = server
        world.channels[channel.id] = channel
        if self.state.gateway.identifies:
            self.state.announce(server)
        return channel

    def open_direct_messages(self, user: User | str) -> Channel:
        """Open somebody's direct messages with the bot, or give those that are open."""
        person = self.state.world.user(user)
        channel = self.state.world.direct_messages(person)
        if channel is None:
            channel = Channel(self.state.snowflakes.next(), person.username, recipient=person)
            self.state.world.channels[channel.id] = channel
            self.state.feed.publish("refresh", {}, person)
        return channel

    def close_direct_messages(self, user: User | str) -> None:
        """Let somebody take no more direct messages from the server's members and bots."""
        person = self.state.world.user(user)
        self.state.world.deaf_to_direct_messages.add(person.id)
        self.state.feed.publish("refresh", {}, person)

    def take_direct_messages(self, user: User | str) -> None:
        """Let somebody take direct messages again."""
        person = self.state.world.user(user)
        self.state.world.deaf_to_direct_messages.discard(person.id)
        self.state.feed.publish("refresh", {}, person)

    def set_locale(self, user: User | str, locale: str) -> None:
        """Set the language of somebody's client, such as "en-US" or "de"."""
        person = self.state.world.user(user)
        self.state.world.locales[person.id] = locale
        self.state.feed.publish("refresh", {}, person)

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
        self.state.announce(world.home)
        self.state.feed.publish("refresh", {})
        self.state.changes.announce()

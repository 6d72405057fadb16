"""The Discord client: command tree, buttons, startup and shutdown."""

import asyncio
import gc
import logging
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands
from discord.ext import commands

from bot import actions, texts
from bot.connecting import PatientBot
from bot.core.discord_limits import CHOICE_NAME_LENGTH, DESCRIPTION_LENGTH, NAME_LENGTH
from bot.db.records import Place
from bot.options.typography import all_well_formed
from bot.syncing import Syncing
from bot.ui import bounds, errors
from bot.ui import command_places as places
from bot.ui.delivery.clock import DiscordClock
from bot.ui.file_hosts import no_redirects
from bot.ui.form_submissions import submitted
from bot.ui.interaction import Interaction
from bot.ui.views import orphaned
from generation.errors import InvalidRequest
from generation.log_context import SHARD

if TYPE_CHECKING:
    from bot.app import App

log = logging.getLogger(__name__)

SYNCED = "commands.sha256"  # in the data folder: the commands as last sent to Discord
# discord.py's minimum.
MAX_RATE_LIMIT_S = 30.0
# How long startup waits for the commands to be synced.
SYNC_S = 10.0
OWNERS_S = 300.0  # how long the list of owners is cached
# Of what Discord tells of a server when the bot arrives there; none is ever looked at.
UNREAD = (
    "emojis",
    "stickers",
    "soundboard_sounds",
    "guild_scheduled_events",
    "stage_instances",
    "voice_states",
    "presences",
)


class DarkroomTree(app_commands.CommandTree["DarkroomBot"]):
    """The slash commands; every error becomes an ephemeral reply."""

    async def interaction_check(self, interaction: Interaction, /) -> bool:
        """Set the person's language; raises CommandOnCooldown if they are too fast.

        Options out of bounds are reported here, as discord.py only catches its own errors.
        """
        texts.speak(str(interaction.locale))
        interaction.client.app.cooldowns.check(interaction)
        try:
            bounds.check(interaction)
        except InvalidRequest as error:
            await errors.answer(interaction, error)
            return False
        return True

    async def _call(self, interaction: Interaction) -> None:
        """Also handle errors before a command runs, and during autocomplete.

        discord.py would at best log them, and leave the person waiting. What was typed comes
        well-formed, as everything that stores, sends or draws it needs it.
        """
        interaction.data = all_well_formed(interaction.data)
        try:
            await super()._call(interaction)
        except app_commands.AppCommandError:
            raise
        except Exception as error:  # noqa: BLE001
            await errors.answer(interaction, error)
        typing = interaction.type is discord.InteractionType.autocomplete
        if typing and not interaction.response.is_done():
            await errors.choose_from_nothing(interaction)

    async def on_error(
        self,
        interaction: Interaction,
        error: app_commands.AppCommandError,
        /,
    ) -> None:
        """Reply with the error."""
        await errors.answer(interaction, error)


_Location = app_commands.TranslationContextLocation
LENGTHS = {
    _Location.command_description: DESCRIPTION_LENGTH,
    _Location.group_description: DESCRIPTION_LENGTH,
    _Location.parameter_description: DESCRIPTION_LENGTH,
    _Location.choice_name: CHOICE_NAME_LENGTH,
}
IDENTIFIERS = (_Location.command_name, _Location.group_name, _Location.parameter_name)


class Translator(app_commands.Translator):
    """Gives Discord the command descriptions in every language of the catalog.

    Command names stay English: Discord restricts them, and /help shows them.
    """

    async def translate(
        self,
        string: app_commands.locale_str,
        locale: discord.Locale,
        context: app_commands.TranslationContextTypes,
    ) -> str | None:
        """Return the translation, or None if there is none, so that Discord shows English."""
        menu = isinstance(context.data, app_commands.ContextMenu)
        if context.location in IDENTIFIERS and not menu:
            return None
        said = texts.translation(string.message, str(locale))
        most = LENGTHS.get(context.location, NAME_LENGTH)
        if said is not None and not 0 < len(said.strip()) <= len(said) <= most:
            # Discord would refuse all commands because of it.
            log.warning("%s: %r is not of 1 to %d characters", locale, said, most)
            return None
        return said


@dataclass(frozen=True, slots=True)
class Connection:
    """How to connect to Discord; see `PatientBot` for the seconds.

    If ``shard_count`` is None, Discord decides. ``proxy`` is the address of an HTTP proxy;
    ``offered`` says in which places commands are available.
    """

    shard_count: int | None = 1
    timeout_s: float = 45.0
    longest_pause_s: float = 300.0
    proxy: str | None = None
    offered: places.Places = places.EVERYWHERE


class DarkroomBot(PatientBot):
    """The Discord client; the application is fully built before it logs in."""

    def __init__(self, app: "App", clock: DiscordClock, connection: Connection) -> None:
        super().__init__(
            timeout_s=connection.timeout_s,
            longest_pause_s=connection.longest_pause_s,
            shard_count=connection.shard_count,
            command_prefix=commands.when_mentioned,
            help_command=None,
            tree_cls=DarkroomTree,
            allowed_installs=connection.offered.installs,
            allowed_contexts=connection.offered.contexts,
            # Messages without their content: only their deletion matters.
            intents=discord.Intents(guilds=True, guild_messages=True),
            allowed_mentions=discord.AllowedMentions.none(),
            max_messages=None,
            http_trace=app.watch.listen(clock.listen(no_redirects()), clock),
            # Longer rate limits are handled by the callers.
            max_ratelimit_timeout=MAX_RATE_LIMIT_S,
            proxy=connection.proxy,
        )
        self.app = app
        self._hear_less(self._connection.parsers)
        self._syncing = Syncing(
            self.tree,
            Translator(),
            app.folder / SYNCED,
            timeout_s=connection.timeout_s,
            pauses=self.pauses(),
        )
        self._background: list[asyncio.Task[None]] = []
        self._owners_asked: float | None = None

    def _hear_less(self, parsers: dict[str, Callable[[Any], None]]) -> None:
        """Take from the gateway's events what nothing here reads, before objects are made of it.

        Whatever an interaction leads to is logged with its shard.
        """
        # Of messages only their deletion matters: the others are not even taken apart.
        for unheard in ("MESSAGE_CREATE", "MESSAGE_UPDATE"):
            parsers.pop(unheard)
        parsers["GUILD_CREATE"] = lean(parsers["GUILD_CREATE"])
        interact = parsers["INTERACTION_CREATE"]

        def interact_on_shard(data: dict[str, Any]) -> None:
            before = SHARD.set(self.shard_of(int(data.get("guild_id") or 0)))
            try:
                interact(data)
            finally:
                SHARD.reset(before)

        parsers["INTERACTION_CREATE"] = interact_on_shard

    async def is_owner(self, user: discord.abc.User, /) -> bool:
        """Tell whether a person owns the bot; the list is refreshed after a while.

        discord.py would ask once: people who left the team would stay owners until a restart.
        """
        now = time.monotonic()
        if self._owners_asked is not None and now - self._owners_asked > OWNERS_S:
            self.owner_id, self.owner_ids, self._owners_asked = None, None, None
        if not self.owner_id and not self.owner_ids:
            self._owners_asked = now
        return await super().is_owner(user)

    async def setup_hook(self) -> None:
        """Register commands and buttons, and recover what an earlier run left open."""
        await self.app.load()
        for cog in self.app.cogs:
            await self.add_cog(cog)
        for command in self.app.commands:
            self.tree.add_command(command)
        self.add_dynamic_items(*actions.BUTTONS)
        # People with open jobs wait no longer than this, whatever happens to the commands.
        syncing = self._begin(self._syncing.keep_trying(), "syncing")
        await asyncio.wait([syncing], timeout=SYNC_S)
        self._begin(self.app.jobs.recover(), "recovery")
        stay()

    def _begin(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(_log_failure)
        self._background.append(task)
        return task

    async def on_ready(self) -> None:
        """Log where we are."""
        servers, shards = len(self.guilds), self.shard_count or 1
        log.info("ready as %s in %d server(s) on %d shard(s)", self.user, servers, shards)

    async def on_shard_ready(self, shard_id: int) -> None:
        """Keep the servers that were told of, once there are all; a new session has new ones."""
        SHARD.set(shard_id)
        log.info("shard %d is ready", shard_id)
        if not self.deaf_shards:
            stay()

    async def on_interaction(self, interaction: Interaction, /) -> None:
        """Handle what discord.py forgets on restart: forms, and clicks on ephemeral replies."""
        try:
            if interaction.type is discord.InteractionType.modal_submit:
                await submitted(interaction)
            elif interaction.type is discord.InteractionType.component:
                data: Any = interaction.data
                if not any(pattern.fullmatch(data["custom_id"]) for pattern in actions.TEMPLATES):
                    await orphaned(interaction, data["custom_id"])
        except Exception as error:  # noqa: BLE001
            await errors.answer(interaction, error)

    async def on_raw_message_delete(self, event: discord.RawMessageDeleteEvent) -> None:
        """End the job of the message."""
        await self.app.jobs.abandon(Place.MESSAGE, [event.message_id])

    async def on_raw_bulk_message_delete(self, event: discord.RawBulkMessageDeleteEvent) -> None:
        """End the jobs of the messages."""
        await self.app.jobs.abandon(Place.MESSAGE, event.message_ids)

    async def on_guild_channel_delete(self, channel: discord.abc.GuildChannel) -> None:
        """End the channel's jobs and drop its rules; discord.py reports its threads separately."""
        await self.app.jobs.abandon(Place.CHANNEL, [channel.id])
        await self.app.rules.forget(channel.guild.id, channel.id)

    async def on_raw_thread_delete(self, event: discord.RawThreadDeleteEvent) -> None:
        """End the jobs of the thread, and drop its rules."""
        await self.app.jobs.abandon(Place.CHANNEL, [event.thread_id])
        await self.app.rules.forget(event.guild_id, event.thread_id)

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """End the jobs of a server that removed the bot, or was deleted.

        Its rules, filters, blocks and allowances stay: it may invite the bot again.
        """
        await self.app.jobs.abandon(Place.SERVER, [guild.id])

    async def close(self) -> None:
        """Requeue running jobs before the connection closes."""
        if not self.is_closed():
            for task in self._background:
                task.cancel()
            await self.app.jobs.close()
        await super().close()


def lean(add_server: Callable[[Any], None]) -> Callable[[Any], None]:
    """Have a server added without what nothing here reads."""

    def add_lean_server(data: dict[str, Any]) -> None:
        for unread in UNREAD:
            data.pop(unread, None)
        for channel in data.get("channels", ()):
            channel.pop("topic", None)
        add_server(data)

    return add_lean_server


def stay() -> None:
    """Spare what there is now from being looked through for garbage.

    With thousands of servers that would take a quarter of a second each time, while people wait.
    What an earlier call spared is looked through now: a new session replaces all servers.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def _log_failure(task: asyncio.Task[Any]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("%s broke", task.get_name(), exc_info=error)

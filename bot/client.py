"""The bot: its command tree, its buttons, its coming and going."""

import asyncio
import logging
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands
from discord.ext import commands

from bot import actions, texts
from bot.connecting import PatientBot
from bot.core.discord_limits import CHOICE_NAME_LENGTH, DESCRIPTION_LENGTH, NAME_LENGTH
from bot.db.records import Place
from bot.syncing import Syncing
from bot.ui import bounds, errors
from bot.ui import command_places as places
from bot.ui.delivery.clock import DiscordClock
from bot.ui.file_hosts import no_redirects
from bot.ui.form_submissions import submitted
from bot.ui.interaction import Interaction
from bot.ui.views import orphaned
from generation.errors import InvalidRequest

if TYPE_CHECKING:
    from bot.app import App

log = logging.getLogger(__name__)

SYNCED = "commands.sha256"  # below the data folder: the commands as Discord has them
# discord.py takes no less.
MAX_RATE_LIMIT_S = 30.0
# How long the start waits for the commands to be synced.
SYNC_S = 10.0
OWNERS_S = 300.0  # for how long is believed who owns the bot


class DarkroomTree(app_commands.CommandTree["DarkroomBot"]):
    """The slash commands; whatever one raises becomes the person's private line."""

    async def interaction_check(self, interaction: Interaction, /) -> bool:
        """Speak the person's language; raise CommandOnCooldown where they are too fast.

        Options out of bounds are answered here: discord.py catches its own errors only.
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
        """Answer also what goes wrong before a command runs, and behind what is being typed.

        discord.py would log it at best, and leave the person waiting.
        """
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
        """Answer the person."""
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
    """Hands Discord what describes commands in every language that there is a catalog of.

    What people type stays English: Discord takes few words for it, and /help names it.
    """

    async def translate(
        self,
        string: app_commands.locale_str,
        locale: discord.Locale,
        context: app_commands.TranslationContextTypes,
    ) -> str | None:
        """Return the words, or None where the language has none: Discord shows the English."""
        menu = isinstance(context.data, app_commands.ContextMenu)
        if context.location in IDENTIFIERS and not menu:
            return None
        said = texts.translation(string.message, str(locale))
        most = LENGTHS.get(context.location, NAME_LENGTH)
        if said is not None and not 0 < len(said.strip()) <= len(said) <= most:
            # Discord would refuse all commands for it.
            log.warning("%s: %r is not of 1 to %d characters", locale, said, most)
            return None
        return said


@dataclass(frozen=True, slots=True)
class Connection:
    """How Discord is reached; see `PatientBot` for the seconds.

    With a ``shard_count`` of None Discord says how many. ``proxy`` is the address of an HTTP proxy;
    ``offered`` says in which places commands are.
    """

    shard_count: int | None = 1
    timeout_s: float = 45.0
    longest_pause_s: float = 300.0
    proxy: str | None = None
    offered: places.Places = places.EVERYWHERE


class DarkroomBot(PatientBot):
    """Discord's side of the application, which is whole by the time that this logs in."""

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
            # Messages without their content: only that one was deleted matters.
            intents=discord.Intents(guilds=True, guild_messages=True),
            allowed_mentions=discord.AllowedMentions.none(),
            max_messages=None,
            http_trace=clock.listen(no_redirects()),
            # Longer rate limits are waited for by those who know what they wait for.
            max_ratelimit_timeout=MAX_RATE_LIMIT_S,
            proxy=connection.proxy,
        )
        self.app = app
        self._syncing = Syncing(
            self.tree,
            Translator(),
            app.folder / SYNCED,
            timeout_s=connection.timeout_s,
            pauses=self.pauses(),
        )
        self._background: list[asyncio.Task[None]] = []
        self._owners_asked: float | None = None

    async def is_owner(self, user: discord.abc.User, /) -> bool:
        """Tell whether somebody owns the bot; Discord is asked again after a while.

        discord.py would ask once: who left the team would own the bot until a restart.
        """
        now = time.monotonic()
        if self._owners_asked is not None and now - self._owners_asked > OWNERS_S:
            self.owner_id, self.owner_ids, self._owners_asked = None, None, None
        if not self.owner_id and not self.owner_ids:
            self._owners_asked = now
        return await super().is_owner(user)

    async def setup_hook(self) -> None:
        """Register commands and buttons, and take up what an earlier run left open."""
        await self.app.load()
        for cog in self.app.cogs:
            await self.add_cog(cog)
        for command in self.app.commands:
            self.tree.add_command(command)
        self.add_dynamic_items(*actions.BUTTONS)
        # Those whose jobs are on their way wait for no longer, whatever becomes of the commands.
        syncing = self._begin(self._syncing.keep_trying(), "syncing")
        await asyncio.wait([syncing], timeout=SYNC_S)
        self._begin(self.app.jobs.recover(), "recovery")

    def _begin(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(_log_failure)
        self._background.append(task)
        return task

    async def on_ready(self) -> None:
        """Say in the log where we are."""
        log.info("ready as %s in %d server(s)", self.user, len(self.guilds))

    async def on_message(self, message: discord.Message, /) -> None:
        """Hear nothing in messages: commands and buttons are all there is."""

    async def on_interaction(self, interaction: Interaction, /) -> None:
        """Take what discord.py forgets when it stops: forms, and clicks on private answers."""
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
        """End the job that the message carried."""
        await self.app.jobs.abandon(Place.MESSAGE, [event.message_id])

    async def on_raw_bulk_message_delete(self, event: discord.RawBulkMessageDeleteEvent) -> None:
        """End the jobs that the messages carried."""
        await self.app.jobs.abandon(Place.MESSAGE, event.message_ids)

    async def on_guild_channel_delete(self, channel: discord.abc.GuildChannel) -> None:
        """End the jobs of the channel, and drop its rules; discord.py says its threads are gone."""
        await self.app.jobs.abandon(Place.CHANNEL, [channel.id])
        await self.app.rules.forget(channel.guild.id, channel.id)

    async def on_raw_thread_delete(self, event: discord.RawThreadDeleteEvent) -> None:
        """End the jobs of the thread, and drop its rules."""
        await self.app.jobs.abandon(Place.CHANNEL, [event.thread_id])
        await self.app.rules.forget(event.guild_id, event.thread_id)

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """End the jobs of a server that removed the bot, or that is no more.

        Its rules, filters, blocks and allowances stay: it may invite the bot again.
        """
        await self.app.jobs.abandon(Place.SERVER, [guild.id])

    async def close(self) -> None:
        """Put what runs back into the queue before the connection goes."""
        if not self.is_closed():
            for task in self._background:
                task.cancel()
            await self.app.jobs.close()
        await super().close()


def _log_failure(task: asyncio.Task[Any]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("%s broke", task.get_name(), exc_info=error)

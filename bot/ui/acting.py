"""What moderators do to a job and its person: commands and buttons, and forms that ask once more.

Buttons and forms are known by their custom ids, as those under a job are, so that they outlive
every restart; whether somebody moderates is asked with each of them.
"""

import asyncio
import io
import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Self

import discord

from bot import errors
from bot.discord_limits import ALT_TEXT_LENGTH, FORM_TITLE_LENGTH
from bot.services.blurring import blurred
from bot.services.durations import FOR_GOOD, read_duration
from bot.services.errors import ForeignButton
from bot.services.gallery import Details
from bot.services.lookup import Lookup
from bot.services.moderation import ModerationService
from bot.store.jobs import NOBODY
from bot.store.records import Job
from bot.texts import say, speak
from bot.texts.inert import plain
from bot.ui import inspecting, render
from bot.ui.asking import check_moderator, moderator, target_of
from bot.ui.deeds import because, end_of
from bot.ui.eyes import DiscordEyes
from bot.ui.forms import Input, modal, texts_in
from bot.ui.interaction import app_of
from bot.ui.removing import remove_message

REASON_LENGTH = 300
DURATION_LENGTH = 40
TEMPLATE = re.compile(
    r"mod:(?P<action>remove|block|unveil):(?P<job>[0-9]{1,19})(?::(?P<mark>[0-9a-f]{1,16}))?"
)
FORMS = re.compile(TEMPLATE.pattern.replace("|unveil", ""))


class Act(StrEnum):
    """What a moderator's button does, the first two after a form."""

    REMOVE = "remove"
    BLOCK = "block"
    UNVEIL = "unveil"


@dataclass(frozen=True, slots=True)
class Look:
    """A job as a moderator sees it, and what can be done about it."""

    embed: discord.Embed
    view: discord.ui.View
    files: list[discord.File]


class ModButton(discord.ui.DynamicItem[discord.ui.Button[Any]], template=TEMPLATE):
    """A button on a job that is looked at; see JobButton for why only `callback` does anything."""

    def __init__(self, act: Act, job_id: int, mark: str | None) -> None:
        self.act, self.job_id, self.mark = act, job_id, mark
        labels = {
            Act.REMOVE: say("button-remove"),
            Act.BLOCK: say("button-block"),
            Act.UNVEIL: say("button-unveil"),
        }
        harmless = act is Act.UNVEIL
        super().__init__(
            discord.ui.Button(
                label=labels[act],
                style=discord.ButtonStyle.secondary if harmless else discord.ButtonStyle.danger,
                custom_id=f"mod:{act}:{job_id}" + ("" if mark is None else f":{mark}"),
            )
        )

    @classmethod
    async def from_custom_id(
        cls,
        interaction: discord.Interaction[Any],  # noqa: ARG003
        item: discord.ui.Item[Any],  # noqa: ARG003
        match: re.Match[str],
        /,
    ) -> Self:
        """Parse only: an error here would reach nobody."""
        return cls(Act(match["action"]), int(match["job"]), match["mark"])

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Ask once more, or show what was blurred; every error becomes a private line."""
        speak(str(interaction.locale))
        try:
            check_moderator(interaction)
            app_of(interaction).cooldowns.click(interaction)
            job = await _job(interaction, self.job_id, self.mark)
            if self.act is Act.UNVEIL:
                await _unveil(interaction, job)
            else:
                await interaction.response.send_modal(_form(self.act, job))
        except Exception as error:  # noqa: BLE001
            await errors.answer(interaction, error)


def acts_on(job: Job) -> discord.ui.View:
    """Return the buttons under a job that a moderator looks at."""
    view = discord.ui.View(timeout=None)
    view.add_item(ModButton(Act.REMOVE, job.id, job.mark))
    if job.origin.person_id != NOBODY:
        view.add_item(ModButton(Act.BLOCK, job.id, job.mark))
    return view


async def veiled(interaction: discord.Interaction[Any], lookup: Lookup, job_id: int) -> Look:
    """Return a job of this server with its first picture, blurred where nobody is shown it here."""
    details = await lookup.details(job_id, interaction.guild_id or 0)
    first = await lookup.first(details, DiscordEyes(interaction))
    if first.thumbnail is None or not first.hidden:
        return _look(details, first.thumbnail)
    look = _look(details, await asyncio.to_thread(blurred, first.thumbnail))
    look.view.add_item(ModButton(Act.UNVEIL, job_id, details.job.mark))
    return look


async def _unveil(interaction: discord.Interaction[Any], job: Job) -> None:
    await interaction.response.defer()
    lookup = app_of(interaction).get(Lookup)
    details = await lookup.details(job.id, interaction.guild_id or 0)
    look = _look(details, (await lookup.first(details)).thumbnail)
    await interaction.edit_original_response(
        embed=look.embed, view=look.view, attachments=look.files
    )


def _look(details: Details, thumbnail: bytes | None) -> Look:
    name = None if thumbnail is None else f"job-{details.job.id}.webp"
    files = []
    if thumbnail is not None and name is not None:
        alt = plain(render.subject(details.job), ALT_TEXT_LENGTH)
        files.append(discord.File(io.BytesIO(thumbnail), name, description=alt))
    return Look(inspecting.card(details, name), acts_on(details.job), files)


async def carry_out(interaction: discord.Interaction[Any], match: re.Match[str]) -> None:
    """Do what a form says that came back."""
    check_moderator(interaction)
    moderation = app_of(interaction).get(ModerationService)
    typed = texts_in(interaction)
    act, reason = Act(match["action"]), typed.get("reason", "")
    job = await _job(interaction, int(match["job"]), match["mark"])
    if act is Act.REMOVE:
        await remove(interaction, moderation, job.id, reason)
        return
    person = await _person(interaction, job.origin.person_id)
    duration = typed.get("duration", "")
    await block(interaction, moderation, person, duration=duration, reason=reason)


async def remove(
    interaction: discord.Interaction[Any], moderation: ModerationService, job_id: int, reason: str
) -> None:
    """Remove a job's message and files, and say what was made from it."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    actor = await moderator(interaction)
    removed, children = await moderation.remove(job_id, actor, reason=reason)
    await remove_message(interaction.client, removed, say("removed-message"))
    await interaction.followup.send(say("removed", job=str(removed.id), children=children))


async def block(
    interaction: discord.Interaction[Any],
    moderation: ModerationService,
    person: discord.abc.Snowflake,
    *,
    duration: str,
    reason: str,
    everywhere: bool = False,
) -> None:
    """Block somebody, end what is on its way, and say so."""
    span = read_duration(duration)
    until = None if span is None else interaction.created_at + span
    await interaction.response.defer(ephemeral=True, thinking=True)
    actor = await moderator(interaction, everywhere=everywhere)
    target = target_of(interaction, person)
    ended = await moderation.block(target, actor, until=until, reason=reason)
    done = say("blocked", person=str(person.id), end=end_of(until), jobs=ended)
    await interaction.followup.send(done + because(reason))


async def _job(interaction: discord.Interaction[Any], job_id: int, mark: str | None) -> Job:
    """Return a job of this server; raises ForeignButton where the button is about another one.

    Earlier releases made buttons without a mark: then the card above them tells.
    """
    lookup = app_of(interaction).get(Lookup)
    job = await lookup.job(job_id, interaction.guild_id or 0)
    if not (_shows(interaction.message, job) if mark is None else mark == job.mark):
        raise ForeignButton
    return job


def _shows(message: discord.Message | None, job: Job) -> bool:
    """Tell whether a message has the card of a job, by the moment at which that was asked for."""
    moments = [card.timestamp for card in message.embeds] if message is not None else []
    asked = job.origin.asked_at
    return any(one is not None and abs(one - asked) < timedelta(milliseconds=1) for one in moments)


async def _person(interaction: discord.Interaction[Any], person_id: int) -> discord.abc.Snowflake:
    """Return a member as they are now, or only their id where they left."""
    guild = interaction.guild
    try:
        if guild is not None:
            return guild.get_member(person_id) or await guild.fetch_member(person_id)
    except discord.NotFound:
        pass
    return discord.Object(person_id)


def _form(act: Act, job: Job) -> discord.ui.Modal:
    custom_id = f"mod:{act}:{job.id}:{job.mark}"
    why = {"max_length": REASON_LENGTH, "required": False}
    if act is Act.REMOVE:
        reason = Input("reason", say("form-reason"), say("form-reason.audit"), why)
        return modal(say("form-remove", job=str(job.id)), custom_id, [reason], {})
    span = {"max_length": DURATION_LENGTH}
    inputs = (
        Input("duration", say("form-duration"), say("form-duration.hint"), span),
        Input("reason", say("form-reason"), say("form-reason.read"), why),
    )
    title = plain(say("form-block", name=job.origin.person_name), FORM_TITLE_LENGTH)
    return modal(title, custom_id, inputs, {"duration": FOR_GOOD})

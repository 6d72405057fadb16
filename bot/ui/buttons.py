"""The buttons under a job; their ids hold ids only, so they outlive every restart."""

import asyncio
import logging
import re
import secrets
from collections.abc import Collection, Coroutine
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Self

import discord

from bot import errors
from bot.services.errors import DiscordRefused, ForeignButton, NothingToDo
from bot.services.gallery import Gallery
from bot.services.jobs import JobService
from bot.store.records import Job, Kind
from bot.texts import say, speak
from bot.texts.inert import inert
from bot.trouble import ALREADY_ACKNOWLEDGED, TROUBLE, describe, is_final, retry_after
from bot.ui import private, render
from bot.ui.asking import actor_of, asked_by
from bot.ui.forms import remix_form
from bot.ui.interaction import app_of
from generation.upscaler import FACTORS, RESULT_SIDE

log = logging.getLogger(__name__)

# A row's id has at most 63 bits, which the store checks; a picture's number is one digit.
TEMPLATE = re.compile(
    r"job:(?P<job>[0-9]{1,19}):(?P<action>[a-z]+)"
    r"(?::(?P<index>[0-9]?)(?::(?P<mark>[0-9a-f]{1,16}))?)?"
)


# Discord takes a first answer within three seconds, and keeps a number beside a button's custom id.
ANSWER_S, IN_TIME_S, AGAIN_S = 10.0, 2.5, 0.2
OURS = 1 + secrets.randbits(30)
# The statuses with which Discord says that it did not take an answer.
REFUSALS = (400, 403, 413)
UNKNOWN_INTERACTION = 10062


class Action(StrEnum):
    """What a button does."""

    UPSCALE = "upscale"
    REROLL = "reroll"
    VARY = "vary"
    SUBTLE = "subtle"
    STRONG = "strong"
    REMIX = "remix"
    CANCEL = "cancel"
    DETAILS = "details"
    SEND = "send"
    FAVOURITE = "favourite"
    DELETE = "delete"  # asks
    ERASE = "erase"  # does


# What makes a new job of whoever presses it, moderator or not.
MAKING = frozenset(
    {Action.UPSCALE, Action.REROLL, Action.VARY, Action.SUBTLE, Action.STRONG, Action.REMIX}
)
# How much of an enlarged picture is redrawn.
STRENGTHS: dict[str, float] = {Action.SUBTLE: 0.35, Action.STRONG: 0.7}


@dataclass(frozen=True, slots=True)
class CustomId:
    """What a button's id says; those of earlier releases lack the job's ``mark``."""

    job_id: int
    action: str
    index: int | None = None
    mark: str | None = None

    def __str__(self) -> str:
        parts = ["job", self.job_id, self.action, "" if self.index is None else self.index]
        return ":".join(map(str, [*parts, self.mark or ""])).rstrip(":")

    @classmethod
    def of(cls, job: Job, action: str, index: int | None = None) -> Self:
        """Return the id of a job's button."""
        return cls(job.id, action, index, job.mark)

    @classmethod
    def from_match(cls, match: re.Match[str]) -> Self:
        """Read the parts; that they make sense is checked when the button is pressed."""
        index = int(match["index"]) if match["index"] else None
        return cls(int(match["job"]), match["action"], index, match["mark"])

    def belongs_to(self, job: Job, message: discord.Message | None) -> bool:
        """Tell whether a button under this message was made for this job.

        Numbers come again in another database: a mark has to be the job's, and the message, too,
        as far as it is known. The question before a job is deleted is an answer to its message.
        """
        if self.mark is not None and self.mark != job.mark:
            return False
        if self.action == Action.ERASE:
            return self.mark is not None or _answered(message) == job.message_id
        if message is None or not job.message_id:
            return self.mark is not None
        return message.id == job.message_id


def _answered(message: discord.Message | None) -> int | None:
    """Return the id of the message whose button was pressed to get this answer."""
    asked = None if message is None else message.interaction_metadata
    return None if asked is None else asked.interacted_message_id


class JobButton(discord.ui.DynamicItem[discord.ui.Button[Any]], template=TEMPLATE):
    """Any button of a job.

    discord.py logs what a dynamic item raises and tells nobody, so everything but the parsing
    happens inside `callback`, which answers the person whatever goes wrong.
    """

    def __init__(self, custom_id: CustomId, **look: Any) -> None:  # noqa: ANN401
        self.parsed = custom_id
        super().__init__(discord.ui.Button(custom_id=str(custom_id), **look))

    @classmethod
    async def from_custom_id(
        cls,
        interaction: discord.Interaction[Any],  # noqa: ARG003
        item: discord.ui.Item[Any],  # noqa: ARG003
        match: re.Match[str],
        /,
    ) -> Self:
        """Parse only: an error here would reach nobody."""
        return cls(CustomId.from_match(match))

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Do what the button says; every error becomes a private line."""
        speak(str(interaction.locale))
        try:
            work = press(interaction, self.parsed)
            # A form that was closed may be opened again at once.
            opens = self.parsed.action == Action.REMIX
            await (work if opens else once(interaction, str(self.parsed), work))
        except Exception as error:  # noqa: BLE001
            await errors.answer(interaction, error)


async def once(
    interaction: discord.Interaction[Any], custom_id: str, work: Coroutine[Any, Any, None]
) -> None:
    """Do the work of a click; the second of a double click is acknowledged, and that is all.

    It says nothing: the first one's answer is on its way to the same person. Raises what the work
    does, and then the next click counts.
    """
    clicks = app_of(interaction).clicks
    if not clicks.count(interaction.user.id, custom_id, interaction.created_at):
        work.close()
        try:
            await interaction.response.defer()
        except TROUBLE as error:  # as when Discord delivers one click twice
            log.info("a double click was not acknowledged: %s", describe(error))
        return
    try:
        await work
    except Exception:
        clicks.forget(interaction.user.id, custom_id)
        raise


async def press(interaction: discord.Interaction[Any], pressed: CustomId) -> None:
    """Carry out one button; raises JobError where it makes no sense (any more)."""
    cooldowns = app_of(interaction).cooldowns
    if pressed.action in MAKING:
        cooldowns.wish(interaction)
    else:
        cooldowns.click(interaction)
    jobs = app_of(interaction).jobs
    gallery = app_of(interaction).get(Gallery)
    pressed = await checked(interaction, pressed)
    match pressed.action:
        case Action.CANCEL:
            # Acknowledged first: ending what runs can take a tick of the device.
            await interaction.response.defer()
            await jobs.cancel(pressed.job_id, actor_of(interaction))
        case Action.REROLL:
            job = await jobs.anew.reroll(pressed.job_id, asked_by(interaction))
            await first_answer(interaction, jobs, job)
        case Action.UPSCALE if pressed.index is not None:
            job = await jobs.anew.upscale(pressed.job_id, pressed.index, asked_by(interaction))
            await first_answer(interaction, jobs, job)
        case Action.VARY if pressed.index is not None:
            job = await jobs.anew.variation(pressed.job_id, pressed.index, asked_by(interaction))
            await first_answer(interaction, jobs, job)
        case Action.SUBTLE | Action.STRONG if pressed.index is not None:
            job = await jobs.anew.variation(
                pressed.job_id,
                pressed.index,
                asked_by(interaction),
                strength=STRENGTHS[pressed.action],
            )
            await first_answer(interaction, jobs, job)
        case Action.REMIX:
            form = await jobs.anew.form(pressed.job_id, asked_by(interaction))
            await interaction.response.send_modal(remix_form(str(pressed), form))
            cooldowns.granted(interaction)
        case Action.DETAILS:
            await private.show_details(interaction, gallery, pressed.job_id)
        case Action.SEND:
            await private.send(interaction, gallery, pressed.job_id)
        case Action.FAVOURITE:
            await private.favourite(interaction, gallery, pressed.job_id)
        case Action.DELETE:
            job = await gallery.deletable(pressed.job_id, actor_of(interaction))
            await interaction.response.send_message(
                render.deletion(job), view=deletion_view(job), ephemeral=True
            )
        case Action.ERASE:
            await private.erase(interaction, gallery, pressed.job_id)
        case _:
            raise NothingToDo(say("error-button-unknown"))


async def checked(interaction: discord.Interaction[Any], sent: CustomId) -> CustomId:
    """Return the id of a button or a form with its job's mark, where there is such a job.

    Raises ForeignButton where it was made for another one of the same number; whoever may not see
    that learns nothing of it.
    """
    gallery = app_of(interaction).get(Gallery)
    actor = actor_of(interaction)
    if sent.action in MAKING:
        actor = replace(actor, moderates=False)
    job = await gallery.job(sent.job_id, actor)
    if job is None:
        return sent
    if not sent.belongs_to(job, interaction.message):
        raise ForeignButton
    return replace(sent, mark=job.mark)


async def first_answer(interaction: discord.Interaction[Any], jobs: JobService, job: Job) -> None:
    """Answer a recorded job with the message that will carry it to its end.

    The first of several jobs gets the interaction's own answer, each other one a message after it.
    """
    app_of(interaction).cooldowns.granted(interaction)
    text, view = render.waiting(job, jobs.queue.place_of(job)), waiting_view(job)
    try:
        message_id = await _answer(interaction, job, text, view)
    except TROUBLE as error:
        why = describe(error)
        if _is_refused(error):
            await jobs.answers.refused(job, why)
            raise DiscordRefused(say("error-answer-refused", why=inert(why))) from error
        log.warning("job %d: its first answer broke: %s", job.id, why)
        message_id = None
    if message_id is None:
        await jobs.answers.broke(job)
        return
    await jobs.answers.stands(job, message_id)
    if job.stripped:
        await private.tell_stripped(interaction, job)


async def _answer(
    interaction: discord.Interaction[Any], job: Job, text: str, view: discord.ui.View
) -> int | None:
    """Send a first answer; return its id. Raises TROUBLE.

    Where it breaks at once it is sent again, while that can be in time: Discord takes one only.
    """
    alone, clock = job.origin.private, asyncio.get_running_loop().time
    began = clock()
    while True:
        try:
            async with asyncio.timeout(ANSWER_S):
                if job.origin.part > 0:
                    sent = await interaction.followup.send(
                        text, view=view, ephemeral=alone, wait=True
                    )
                    return sent.id
                answer = await interaction.response.send_message(text, view=view, ephemeral=alone)
                return answer.message_id
        except TROUBLE as error:
            pause = max(AGAIN_S, retry_after(error))
            late = clock() + pause - began > IN_TIME_S
            if late or job.origin.part > 0 or _is_known(error) or _is_refused(error):
                raise
            log.info("job %d: its first answer is sent again: %s", job.id, describe(error))
            await asyncio.sleep(pause)


def _is_known(error: BaseException) -> bool:
    """Tell whether sending an answer again would say nothing new."""
    known = (UNKNOWN_INTERACTION, ALREADY_ACKNOWLEDGED)
    return isinstance(error, discord.HTTPException) and error.code in known


def _is_refused(error: BaseException) -> bool:
    """Tell whether Discord does not take a first answer: it is then known not to stand."""
    return is_final(error) and error.status in REFUSALS and not _is_known(error)


def carries(message: discord.Message, job: Job, *, of_this_run: bool) -> bool:
    """Tell whether a message is the first answer that we gave to a job.

    Another process with the same token has a database of its own, in which the numbers of jobs may
    be the same; what it sends has another mark than what was sent ``of_this_run``.
    """
    cancel = str(CustomId.of(job, Action.CANCEL))
    found = (
        child
        for row in message.components
        if isinstance(row, discord.ActionRow)
        for child in row.children
    )
    return any(
        child.custom_id == cancel and (child.id == OURS or not of_this_run) for child in found
    )


def waiting_view(job: Job) -> discord.ui.View:
    """Return the one button of a job that waits or runs."""
    view = closed_view()
    look: dict[str, Any] = {"label": say("button-cancel"), "emoji": "✖️", "id": OURS}
    view.add_item(JobButton(CustomId.of(job, Action.CANCEL), **look))
    return view


def result_view(job: Job, held_back: Collection[int] = ()) -> discord.ui.View:
    """Return the buttons under finished pictures: what to make of them, then what to do with them.

    Pictures that were ``held_back`` have none. Discord takes five rows of five.
    """
    view = closed_view()
    shown = [index for index in range(job.request.num_images) if index not in held_back]

    def add(row: int, action: Action, index: int | None = None, **look: str) -> None:
        view.add_item(JobButton(CustomId.of(job, action, index), row=row, **look))

    larger = job.kind is Kind.UPSCALE
    if not larger:
        for index in shown:
            add(0, Action.UPSCALE, index, label=say("button-upscale", number=str(index + 1)))
            add(1, Action.VARY, index, label=say("button-vary", number=str(index + 1)))
        add(0, Action.REROLL, label=say("button-reroll"), emoji="🔄")
    elif shown and job.factor < max(FACTORS) and 2 * max(job.size) <= RESULT_SIDE:
        add(0, Action.UPSCALE, 0, label=f"×{2 * job.factor}", emoji="🔍")
    if not job.uploaded:  # what nobody drew from words cannot be drawn otherwise
        if larger and shown:
            add(0, Action.SUBTLE, 0, label=say("button-vary-subtle"), emoji="🪄")
            add(0, Action.STRONG, 0, label=say("button-vary-strong"), emoji="🪄")
        add(0 if larger else 1, Action.REMIX, label=say("button-remix"), emoji="✏️")
    add(2, Action.DETAILS, label=say("button-details"), emoji="ℹ️")
    if shown:
        add(2, Action.SEND, label=say("button-send"), emoji="✉️")
    add(2, Action.FAVOURITE, label=say("button-favourite"), emoji="⭐")
    add(2, Action.DELETE, label=say("button-delete"), emoji="🗑️")
    return view


def deletion_view(job: Job) -> discord.ui.View:
    """Return the one button that means it."""
    view = closed_view()
    look = {"label": say("button-delete-for-good"), "style": discord.ButtonStyle.danger}
    view.add_item(JobButton(CustomId.of(job, Action.ERASE), **look))
    return view


def closed_view() -> discord.ui.View:
    """Return no buttons, for a job that ended without pictures, or for a start.

    discord.py need not wait for what is pressed: ours are known by their ids. Of a private answer
    it would forget them after a quarter of an hour.
    """
    view = discord.ui.View(timeout=None)
    view.stop()
    return view

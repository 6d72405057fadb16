"""The first reply to a job: the message that shows it to the end."""

import asyncio
import logging

import discord

from bot.core.errors import DiscordRefused
from bot.core.jobs.job_service import JobService
from bot.db.records import Job
from bot.texts import say
from bot.texts.inert import inert
from bot.ui.actions.buttons import Buttons
from bot.ui.actions.job_actions import waiting_view
from bot.ui.delivery import job_message as render
from bot.ui.delivery.thinking import filled_in, is_pending
from bot.ui.interaction import Interaction, app_of
from bot.ui.trouble import ALREADY_ACKNOWLEDGED, TROUBLE, describe, is_final, retry_after

log = logging.getLogger(__name__)

# Discord accepts a first reply within three seconds.
ANSWER_S, IN_TIME_S, AGAIN_S = 10.0, 2.5, 0.2
# Statuses that mean Discord did not accept a reply.
REFUSALS = (400, 403, 413)
UNKNOWN_INTERACTION = 10062
STRIPPED_SHOWN = 1500


async def first_answer(interaction: Interaction, jobs: JobService, job: Job) -> None:
    """Reply to a recorded job with the message that shows it to the end.

    The first of several jobs gets the interaction's original response, the others follow-up
    messages.
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
        filled_in(interaction)  # it is the job's, or nobody's
        return
    await jobs.answers.stands(job, message_id)
    if job.stripped:
        await _tell_stripped(interaction, job)


async def _answer(interaction: Interaction, job: Job, text: str, view: Buttons) -> int | None:
    """Send a first reply; return its message id. Raises TROUBLE.

    If that fails at once it is retried while there is time: Discord accepts only one. One that is
    pending is filled in.
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
                if is_pending(interaction):
                    message = await interaction.edit_original_response(content=text, view=view)
                    filled_in(interaction)
                    return message.id
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
    """Tell whether retrying a reply would yield nothing new."""
    known = (UNKNOWN_INTERACTION, ALREADY_ACKNOWLEDGED)
    return isinstance(error, discord.HTTPException) and error.code in known


def _is_refused(error: BaseException) -> bool:
    """Tell whether Discord refused a first reply, so that it certainly does not exist."""
    return is_final(error) and error.status in REFUSALS and not _is_known(error)


def carries(message: discord.Message, job: Job, *, of_this_run: bool) -> bool:
    """Tell whether a message is our first reply to a job.

    Another process with the same token has its own database, whose job numbers may be the same; its
    messages have a different mark from those sent ``of_this_run``.
    """
    ours = {one["custom_id"]: one["id"] for one in waiting_view(job).buttons}
    found = (
        child
        for row in message.components
        if isinstance(row, discord.ActionRow)
        for child in row.children
    )
    return any(
        child.custom_id in ours and (child.id == ours[child.custom_id] or not of_this_run)
        for child in found
    )


async def _tell_stripped(interaction: Interaction, job: Job) -> None:
    """Tell the person what filters removed from their prompt; errors do not affect the job."""
    words = inert(job.stripped or "", STRIPPED_SHOWN)
    try:
        await interaction.followup.send(say("stripped", words=words), ephemeral=True)
    except TROUBLE as error:
        log.warning("job %d: what was cut out of it is not told: %s", job.id, describe(error))

"""Embeds of a job or of a picture's file; nothing here talks to Discord."""

from collections.abc import Sequence

import discord

from bot.core.pictures.gallery import Unseen
from bot.db.records import Job
from bot.options import describe
from bot.texts import all_of, say
from bot.texts.inert import inert, inert_lines, plain
from bot.ui.delivery import job_message as render
from generation.metadata.infotext import Parameters

EMBED_PROMPT = 250
WHY_SHOWN = 200
FILE_PROMPT = 2000  # characters of a file's prompt
FIELD = 400
LEFT_OUT = 1000
PROGRAM = 60


def history_entry(job: Job, thumbnail: str | None) -> discord.Embed:
    """Return a job's embed for moderators; ``thumbnail`` names an attached file."""
    embed = discord.Embed(
        title=f"{render.MARKS[job.status]} {render.named(job)} · {say(f'status.{job.status}')}"
        + (f" {render.PRIVATE}" if job.origin.private else "")
        + (f" · {say('entry-deleted')}" if job.deleted_at else ""),
        description=inert(render.subject(job), EMBED_PROMPT),
        url=render.jump_url(job),
        timestamp=job.origin.asked_at,
    )
    asked = say(
        "entry-where",
        when=discord.utils.format_dt(job.origin.asked_at, "R"),
        channel=f"<#{job.origin.channel_id}>",
    )
    if (where := render.jump_url(job)) is not None:
        asked += f" · [{say('entry-jump')}]({where})"
    embed.add_field(name=say("entry-asked"), value=asked)
    if job.error:
        embed.add_field(name=say("entry-why"), value=inert(render.reason(job.error), WHY_SHOWN))
    if thumbnail is not None:
        embed.set_thumbnail(url=f"attachment://{thumbnail}")
    return embed


def unseen_entry(unseen: Unseen) -> discord.Embed:
    """Return the embed of a favourite that its person cannot see."""
    return discord.Embed(title=f"#{unseen.id}", description=say("entry-unseen"))


def parameters(found: Parameters, left_out: Sequence[str], no_offer: str = "") -> discord.Embed:
    """Return a file's generation metadata; ``left_out`` is what could not be reproduced.

    ``no_offer`` is the reason where it cannot be used here at all.
    """
    prompt = found.prompt.strip()
    shown = inert_lines(prompt, FILE_PROMPT) if prompt else say("file-no-prompt")
    embed = discord.Embed(description=shown)
    if found.negative_prompt:
        without = inert_lines(found.negative_prompt, FIELD)
        embed.add_field(name=say("parameter.without"), value=without, inline=False)
    named = {say("parameter.model"): found.model, say("parameter.model-hash"): found.model_hash}
    for name, value in (named | describe.labelled(found)).items():
        if value is not None:
            embed.add_field(name=name, value=inert(value, FIELD))
    if more := describe.others(found):
        others = ", ".join(f"{name} {value}" for name, value in more.items())
        embed.add_field(name=say("file-also"), value=inert_lines(others, FIELD), inline=False)
    if left_out:
        missing = inert_lines(all_of(left_out), LEFT_OUT)
        embed.add_field(name=say("file-left-out"), value=missing, inline=False)
    notes = [
        say("file-program", program=plain(found.program, PROGRAM)) if found.program else "",
        say("file-partial") if found.partial else "",
        no_offer,
    ]
    if any(notes):
        embed.set_footer(text="\n".join(filter(None, notes)))
    return embed

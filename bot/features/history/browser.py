"""A job as its server's moderators see it; nothing here talks to Discord."""

import discord

from bot.core.discord_limits import EMBEDS_LENGTH, NAME_LENGTH
from bot.core.erasing import NOBODY
from bot.core.pictures.gallery import Details
from bot.db.records import Job, StoredPicture
from bot.texts import say
from bot.texts.inert import cut, inert
from bot.ui.delivery import job_message as render
from bot.ui.pages import details_card as details
from bot.ui.pages import embeds

# A page has five entries.
ENTRY_LENGTH = EMBEDS_LENGTH // 5 - 50
CARD_LENGTH = EMBEDS_LENGTH - 100
WITHOUT_SHOWN = 150
SETTINGS_SHOWN = 200
FLAG_SHOWN = 100
LINE_SHOWN = 300  # characters shown in a card's field


def entry(job: Job, thumbnail: str | None) -> discord.Embed:
    """Return a job's entry in a history; ``thumbnail`` names an attached file."""
    embed = embeds.history_entry(job, thumbnail)
    embed.insert_field_at(0, name=say("inspect-by"), value=who(job))
    if job.words.negative_prompt:
        without = inert(job.words.negative_prompt, WITHOUT_SHOWN)
        embed.add_field(name=say("inspect-without"), value=without, inline=False)
    settings = cut(render.settings(job).removeprefix("-# "), SETTINGS_SHOWN)
    embed.add_field(name=say("inspect-settings"), value=settings, inline=False)
    if job.flagged:
        flag = inert(job.flagged, FLAG_SHOWN)
        embed.add_field(name=say("inspect-flagged"), value=flag, inline=False)
    return _fitting(embed, ENTRY_LENGTH)


def card(found: Details, thumbnail: str | None) -> discord.Embed:
    """Return a job's card: what its author sees, and what only moderators see.

    ``thumbnail`` names an attached file.
    """
    job = found.job
    embed = details.card(found)
    if thumbnail is not None:
        embed.set_thumbnail(url=f"attachment://{thumbnail}")
    embed.set_field_at(0, name=say("inspect-by"), value=who(job))
    embed.insert_field_at(1, name=say("inspect-when"), value=_when(job))
    embed.insert_field_at(2, name=say("inspect-status"), value=_status(job))
    if job.error:
        embed.add_field(
            name=say("inspect-error"), value=inert(render.reason(job.error), LINE_SHOWN)
        )
    if job.flagged:
        embed.add_field(name=say("inspect-flagged"), value=inert(job.flagged, LINE_SHOWN))
    if found.pictures:
        embed.add_field(name=say("inspect-check"), value=_check(found), inline=False)
    return _fitting(embed, CARD_LENGTH)


def who(job: Job) -> str:
    """Return the job's author; a mention in an embed pings nobody."""
    if job.origin.person_id == NOBODY:
        return say("inspect-erased")
    name = inert(job.origin.person_name, 2 * NAME_LENGTH)
    return f"<@{job.origin.person_id}> ({name})"


def _when(job: Job) -> str:
    asked = discord.utils.format_dt(job.origin.asked_at, "f")
    return f"{asked} <#{job.origin.channel_id}>"


def _status(job: Job) -> str:
    said = f"{render.MARKS[job.status]} {say(f'status.{job.status}')}"
    if job.origin.private:
        said += " · " + say("inspect-private")
    if job.deleted_at is not None:
        deleted = discord.utils.format_dt(job.deleted_at, "f")
        said += " · " + say("inspect-deleted", when=deleted)
    return said


def _check(found: Details) -> str:
    return "\n".join(
        say(
            "inspect-score",
            number=str(picture.index + 1),
            verdict=say(f"verdict.{picture.verdict}"),
            score=_score(picture),
        )
        for picture, _ in found.pictures
    )


def _score(picture: StoredPicture) -> str:
    if picture.nsfw is None:
        return say("config-not-set")
    return say("inspect-score.percent", score=picture.nsfw)


def _fitting(embed: discord.Embed, length: int) -> discord.Embed:
    """Return an embed of at most this many characters, shortening its prompt if necessary."""
    if (over := len(embed) - length) > 0:
        text = embed.description or ""
        embed.description = cut(text, max(1, len(text) - over))
    return embed

"""Uploading files, shrinking them until Discord accepts them."""

import io
from collections.abc import Awaitable, Callable
from typing import TypeVar

import discord

from bot.core.discord_limits import ALT_TEXT_LENGTH
from bot.db.records import Job, StoredPicture, Verdict
from bot.texts.inert import plain
from bot.ui.delivery import job_message as render
from bot.ui.delivery.shrinking import Upload, fitting

# A refusal of less than this is not about the size.
SMALLEST_FILE_BYTES = 1024
TOO_LARGE = 413

Sent = TypeVar("Sent")


def upload(job: Job, picture: StoredPicture, png: bytes) -> Upload:
    """Return a picture's file as people get it."""
    alt = render.alt_text(job, picture, job.request.num_images)
    hidden = picture.verdict is not Verdict.SHOWN
    return Upload(render.file_name(job, picture), png, alt, spoiler=hidden)


def thumbnail_file(job: Job, thumbnail: bytes) -> discord.File:
    """Return the file of a job's thumbnail (WebP) for its embed."""
    alt = plain(render.subject(job), ALT_TEXT_LENGTH)
    return discord.File(io.BytesIO(thumbnail), f"job-{job.id}.webp", description=alt)


def as_files(uploads: list[Upload]) -> list[discord.File]:
    """Return new file objects for discord.py: sending uses them up."""
    return [
        discord.File(
            io.BytesIO(upload.content),
            filename=upload.name,
            description=upload.alt,
            spoiler=upload.spoiler,
        )
        for upload in uploads
    ]


def largest(uploads: list[Upload] | None) -> int:
    """Return the size in bytes of the largest file."""
    return max((len(upload.content) for upload in uploads or ()), default=0)


async def send_fitting(
    send: Callable[[list[discord.File], str], Awaitable[Sent]], uploads: list[Upload], limit: int
) -> Sent:
    """Send files of at most ``limit`` bytes each, and smaller ones if Discord refuses those.

    ``send`` gets them with a line saying that some were shrunk, or an empty one. Raises what
    ``send`` raises.
    """
    while True:
        sized = await fitting(uploads, limit)
        note = "" if sized == uploads else render.shrunk()
        try:
            return await send(as_files(sized), note)
        except discord.HTTPException as error:
            if error.status != TOO_LARGE or largest(sized) <= SMALLEST_FILE_BYTES:
                raise
            limit = largest(sized) // 2

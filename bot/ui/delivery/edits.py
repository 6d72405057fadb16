"""A state of a job's message to be sent to Discord."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import discord

from bot.core.pictures.output_check import coarse
from bot.ui.actions.buttons import Buttons
from bot.ui.delivery import job_message as render
from bot.ui.delivery import shrinking
from bot.ui.delivery.shrinking import Upload
from bot.ui.delivery.uploading import as_files


@dataclass(slots=True)
class Edit:
    """The complete state of a message, replacing any earlier one."""

    content: str
    view: Buttons
    # None leaves what the message has.
    files: list[Upload] | None = None

    def fields(self) -> dict[str, Any]:
        """Return arguments for discord.py's edits, with new file objects: sending uses them up."""
        fields: dict[str, Any] = {
            "content": self.content,
            "view": self.view,
            "allowed_mentions": discord.AllowedMentions.none(),
        }
        if self.files is not None:
            fields["attachments"] = as_files(self.files)
        return fields

    async def send(self, channel: discord.abc.Messageable, nonce: str) -> discord.Message:
        """Post it as a new message; for some minutes, the same nonce returns the first one."""
        return await channel.send(
            self.content,
            view=self.view,
            files=as_files(self.files or []),
            nonce=nonce,
            allowed_mentions=discord.AllowedMentions.none(),
        )


@dataclass(slots=True)
class Line:
    """What is being sent to one job's message."""

    newest: Callable[[], str] | None = None  # what makes its text, once it is to be sent
    preview: bytes | None = None  # the newest that was not sent
    look: Callable[[], None] | None = None  # asks for a newer state
    sender: asyncio.Task[None] | None = None
    held_until: float = float("-inf")  # so long the sender waits for what overtakes the newest
    patching: asyncio.Lock = field(default_factory=asyncio.Lock)
    place: int | None = None
    token_died: bool = False
    # Discord refused a progress edit and would refuse the next; the message may even be gone.
    muted: bool = False
    gone: bool = False


async def coarsened(edit: Edit) -> Edit:
    """Return the edit with its preview coarsened, as it may be shown before the check."""
    if not edit.files:
        return edit
    (preview,) = edit.files
    content = await asyncio.to_thread(coarse, preview.content)
    return replace(edit, files=[replace(preview, content=content)])


async def fitting(edit: Edit, limit: int) -> Edit:
    """Return the edit with files of at most ``limit`` bytes, with a note if any was shrunk."""
    if not edit.files:
        return edit
    files = await shrinking.fitting(edit.files, limit)
    if files == edit.files:
        return edit
    content = edit.content.removesuffix(render.shrunk()) + render.shrunk()
    return replace(edit, content=content, files=files)

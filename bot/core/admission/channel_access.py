"""What a person can see of a server's channels, as the Discord side determines it."""

from dataclasses import dataclass
from typing import Protocol

from bot.db.records import Job


@dataclass(frozen=True, slots=True)
class View:
    """What a person may do in a channel or thread right now; by default, nothing.

    ``reads``: can see it and its history. ``manages``: can delete other people's messages there.
    ``age_restricted``: whether Discord asks for a person's age before showing the channel.
    """

    reads: bool = False
    manages: bool = False
    age_restricted: bool = False


class Eyes(Protocol):
    """What one person can see at the moment of a click or command."""

    @property
    def age_restricted(self) -> bool:
        """Whether the place they are looking from is age-restricted."""

    async def view(self, channel_id: int) -> View:
        """Return what they may do in a channel of this server; nothing if it no longer exists."""


class Blind:
    """Sees no channel: for places from which no server channel may be viewed."""

    age_restricted = False

    async def view(self, channel_id: int) -> View:  # noqa: ARG002
        """Return nothing."""
        return View()


BLIND = Blind()


async def is_restricted(job: Job, eyes: Eyes) -> bool:
    """Tell whether a job's place is age-restricted, or was when the job was made."""
    return job.origin.age_restricted or (await eyes.view(job.origin.channel_id)).age_restricted

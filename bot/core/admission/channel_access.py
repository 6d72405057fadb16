"""What somebody can see of a server's channels, as whoever talks to Discord finds out."""

from dataclasses import dataclass
from typing import Protocol

from bot.db.records import Job


@dataclass(frozen=True, slots=True)
class View:
    """What somebody may do in a channel or thread now; as it stands, nothing.

    ``reads`` is to see it and its history, ``manages`` to remove other people's messages there.
    ``age_restricted`` says whether Discord asks for a person's age before it shows the channel.
    """

    reads: bool = False
    manages: bool = False
    age_restricted: bool = False


class Eyes(Protocol):
    """One person's eyes, at the moment of one click or command."""

    @property
    def age_restricted(self) -> bool:
        """Whether the place that they look from is for age-restricted things."""

    async def view(self, channel_id: int) -> View:
        """Return what they may do in a channel of this server; of one that is gone, nothing."""


class Blind:
    """Sees no channel: what is nobody's to look at from there."""

    age_restricted = False

    async def view(self, channel_id: int) -> View:  # noqa: ARG002
        """Return nothing."""
        return View()


BLIND = Blind()


async def is_restricted(job: Job, eyes: Eyes) -> bool:
    """Tell whether a job's place is age-restricted, or was so when the job was made."""
    return job.origin.age_restricted or (await eyes.view(job.origin.channel_id)).age_restricted

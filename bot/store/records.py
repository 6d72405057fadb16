"""The store's words as frozen records; what leaves the store is one of these."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from generation.request import GenerationRequest, UpscaleRequest, upscale_cost


class Kind(StrEnum):
    """What a person asked for."""

    IMAGINE = "imagine"
    REROLL = "reroll"
    VARIATION = "variation"
    UPSCALE = "upscale"
    REMIX = "remix"


class Status(StrEnum):
    """How far a job is. A job goes forward only; a stop of the bot takes RUNNING back to QUEUED."""

    RECORDED = "recorded"  # the row exists, nobody has been answered yet
    QUEUED = "queued"  # answered, the message is known
    RUNNING = "running"
    DONE = "done"  # posted
    FAILED = "failed"
    CANCELLED = "cancelled"


class Place(StrEnum):
    """Where a job lives: it cannot be shown any more when this is gone."""

    MESSAGE = "message"
    CHANNEL = "channel"
    SERVER = "server"


OPEN = (Status.RECORDED, Status.QUEUED, Status.RUNNING)


@dataclass(frozen=True, slots=True)
class Origin:
    """Who asked, where, and the interaction that can be answered; times are UTC.

    Where one interaction asks for several jobs, ``part`` counts them from 0, which is the one in
    the interaction's own answer.
    """

    interaction_id: int
    token: str | None
    person_id: int
    person_name: str
    channel_id: int
    guild_id: int | None
    asked_at: datetime
    part: int = 0

    def __repr__(self) -> str:
        """Leave the token out: whoever holds it can write in our name."""
        return f"Origin(interaction_id={self.interaction_id}, person_id={self.person_id})"


@dataclass(frozen=True, slots=True)
class Job:
    """One thing a person asked for, as it stands in the database.

    Where its request has a strength, the picture it starts from is stored under ``source_sha256``.
    ``factor`` is how much larger an upscale is than its request draws it; ``cut`` are the words of
    its prompts that were too many for the text encoder. A job that was ``deleted_at`` some time
    has no message and no pictures of its own any more; that it was asked for stays on record.
    """

    id: int
    kind: Kind
    status: Status
    origin: Origin
    request: GenerationRequest
    fair_start: float
    message_id: int | None = None
    parent_id: int | None = None
    parent_index: int | None = None
    source_sha256: str | None = None
    factor: int = 1
    cut: str | None = None
    error: str | None = None
    device_seconds: float = 0.0
    queued_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    deleted_at: datetime | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of its pictures in pixels."""
        return self.factor * self.request.width, self.factor * self.request.height

    @property
    def rows(self) -> int:
        """How many rows of the device's forwards it takes."""
        return UpscaleRequest.rows if self.kind is Kind.UPSCALE else self.request.rows

    def cost(self) -> float:
        """Return its work in the units of `GenerationRequest.cost`, if its source is stored."""
        if self.kind is Kind.UPSCALE:
            return upscale_cost(self.request.width, self.request.height, self.factor)
        return self.request.cost()


@dataclass(frozen=True, slots=True)
class Search:
    """Which jobs of one server, or of direct messages, a person looks for.

    Their own, or with ``favourites`` those that they like, whoever made them; deleted ones never.
    ``word`` is in the prompt or the negative prompt, in capitals or not.
    """

    person_id: int
    guild_id: int | None
    favourites: bool = False
    word: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class StoredPicture:
    """One picture of a job: its file is found by ``sha256``."""

    job_id: int
    index: int
    seed: int
    sha256: str
    width: int
    height: int
    size_bytes: int

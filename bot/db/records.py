"""The store's words as frozen records; what leaves the store is one of these."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from generation.request import GenerationRequest, Uploaded, UpscaleRequest, upscale_cost


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

EVERYWHERE = 0  # instead of a server's id: what holds in all of them and in direct messages
WHOLE_SERVER = 0  # instead of a channel's id

BY_MODERATOR = "by a moderator"  # why a job ended that one cancelled


@dataclass(frozen=True, slots=True)
class Origin:
    """Who asked, where, and the interaction that can be answered; times are UTC.

    Where one interaction asks for several jobs, ``part`` counts them from 0, which is the one in
    the interaction's own answer. A ``private`` one is shown to nobody else. ``locale`` is the
    language of what is said about it, as Discord names it; ``filesize_limit`` is how many bytes of
    file Discord takes in its answer, where it said so. As a ``guest`` we are there only because the
    person brought us along: we are no member of the place. ``age_restricted`` is how the place
    was then.
    """

    interaction_id: int
    token: str | None
    person_id: int
    person_name: str
    channel_id: int
    guild_id: int | None
    asked_at: datetime
    part: int = 0
    private: bool = False
    locale: str = "en-US"
    filesize_limit: int | None = None
    guest: bool = False
    age_restricted: bool = False

    @property
    def home(self) -> int | None:
        """The server whose share of the queue it takes; None in direct messages and for guests."""
        return None if self.guest else self.guild_id

    @property
    def by_token_only(self) -> bool:
        """Whether nothing but the interaction's token can write where it was asked."""
        return self.private or self.guest

    def __repr__(self) -> str:
        """Leave the token out: whoever holds it can write in our name."""
        return f"Origin(interaction_id={self.interaction_id}, person_id={self.person_id})"


@dataclass(frozen=True, slots=True)
class Words:
    """What a person typed, before a style was laid over it."""

    prompt: str
    negative_prompt: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob:
    """What is to become a job.

    Where its request has a strength, the picture it starts from is stored under ``source_sha256``.
    ``factor`` is how much larger an upscale is than its request draws it. ``style`` names the
    prompt template that is in the request's prompts, and ``typed`` are those without it and
    without what a server adds; None where they are the request's own. ``flagged`` says what
    moderators should look at, ``stripped`` what filters cut out of the prompt. Pictures
    scored above ``spoiler_above`` are hidden until somebody clicks, those above ``refuse_above``
    are not shown, and their files are dropped unless ``keep_refused``; None shows all of them.
    """

    kind: Kind
    request: GenerationRequest
    parent_id: int | None = None
    parent_index: int | None = None
    source_sha256: str | None = None
    factor: int = 1
    style: str | None = None
    typed: Words | None = None
    flagged: str | None = None
    stripped: str | None = None
    spoiler_above: float | None = None
    refuse_above: float | None = None
    keep_refused: bool = True

    @property
    def uploaded(self) -> bool:
        """Whether it enlarges a person's own picture, which was drawn from no words."""
        return isinstance(self.request, Uploaded)

    @property
    def words(self) -> Words:
        """The person's own words."""
        return self.typed or Words(self.request.prompt, self.request.negative_prompt)

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Job(NewJob):
    """One thing a person asked for, as it stands in the database.

    ``cut`` are the words of its prompts that were too many for the text encoder. Where the place
    could not be reached any more, its message is in the person's own ``direct_channel_id``. A job
    that was ``deleted_at`` some time has no message and no pictures of its own any more; that it
    was asked for stays on record.
    """

    id: int
    status: Status
    origin: Origin
    fair_start: float
    message_id: int | None = None
    direct_channel_id: int | None = None
    cut: str | None = None
    error: str | None = None
    device_seconds: float = 0.0
    queued_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    deleted_at: datetime | None = None

    @property
    def mark(self) -> str:
        """What tells it from a job of the same number in another database.

        There is one after every fresh start, and another once a backup is restored; Discord's
        number of the interaction that asked comes only once.
        """
        return f"{self.origin.interaction_id:x}"

    @property
    def channel_id(self) -> int | None:
        """Where its message can be reached without the token, None where it cannot."""
        if self.direct_channel_id is not None:
            return self.direct_channel_id
        return None if self.origin.by_token_only else self.origin.channel_id


@dataclass(frozen=True, slots=True)
class Search:
    """Which jobs of one server, or of direct messages, a person looks for.

    Their own, or with ``favourites`` those that they like, whoever made them; deleted ones never.
    ``word`` is in the prompt or the negative prompt as typed, capitals and widths aside.
    """

    person_id: int
    guild_id: int | None
    favourites: bool = False
    word: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModSearch:
    """Which jobs of a server a moderator looks for; what is None or empty is left open.

    Deleted ones are found, and those of people who had themselves erased. ``words`` are
    among those that a person typed, as they stand, capitals and widths aside. ``until`` is the
    first moment that is too late.
    """

    guild_id: int
    person_id: int | None = None
    words: str = ""
    checkpoint: str | None = None
    status: Status | None = None
    flagged: bool = False
    since: datetime | None = None
    until: datetime | None = None
    job_id: int | None = None


@dataclass(frozen=True, slots=True)
class Spent:
    """How many pictures somebody asked for, and how much of the device's time they took."""

    pictures: int
    seconds: float


class Verdict(StrEnum):
    """What the check of a picture led to."""

    SHOWN = "shown"
    SPOILER = "spoiler"  # shown to whoever clicks
    REFUSED = "refused"  # kept for moderators, if at all


@dataclass(frozen=True, slots=True)
class StoredPicture:
    """One picture of a job: its file is found by ``sha256``.

    ``nsfw`` is how likely it is not safe for work, 0 to 1; None where nothing looked.
    """

    job_id: int
    index: int
    seed: int
    sha256: str
    width: int
    height: int
    size_bytes: int
    nsfw: float | None = None
    verdict: Verdict = Verdict.SHOWN


class Holder(StrEnum):
    """Whose an allowance is."""

    PERSON = "person"
    ROLE = "role"


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What moderators granted a person or a role of a server, instead of the server's own quota.

    ``pictures_per_day`` is None where the server's holds. ``extra`` pictures come on top on the
    day ``extra_on`` (UTC). What was asked for before ``counted_from`` does not count.
    """

    guild_id: int
    holder: Holder
    holder_id: int
    pictures_per_day: int | None = None
    extra: int = 0
    extra_on: date | None = None
    counted_from: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A person who may ask for nothing in a server, or EVERYWHERE, until some time or for good."""

    id: int
    guild_id: int
    person_id: int
    reason: str
    by_id: int
    made_at: datetime
    until: datetime | None
    lifted_at: datetime | None = None


class FilterKind(StrEnum):
    """How a filter's pattern is read."""

    WORD = "word"
    PHRASE = "phrase"
    REGEX = "regex"


class FilterAction(StrEnum):
    """What becomes of a prompt that a filter finds something in."""

    REFUSE = "refuse"
    FLAG = "flag"
    STRIP = "strip"


class FilterStrictness(StrEnum):
    """How a word, or each word of a phrase, may stand in a text; each finds what those above do."""

    WHOLE = "whole"  # as a word, disguised or not
    INSIDE = "inside"  # in longer words too, and with letters doubled
    SPACED = "spaced"  # and with anything but letters between its letters


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What may not be asked for in a server, or EVERYWHERE."""

    id: int
    guild_id: int
    pattern: str
    kind: FilterKind
    action: FilterAction
    strictness: FilterStrictness = FilterStrictness.WHOLE


class AuditAction(StrEnum):
    """What moderators do; what several have in common is their first word."""

    BLOCK = "block"
    UNBLOCK = "unblock"
    REMOVE = "remove"
    CANCEL = "cancel"
    FILTER_ADD = "filter add"
    FILTER_REMOVE = "filter remove"
    QUOTA_SET = "quota set"
    QUOTA_ADD = "quota add"
    QUOTA_RESET = "quota reset"
    CONFIG = "config"
    EXPORT = "export"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """What a moderator did: nobody can change it.

    ``action`` is an AuditAction's, or another release's.
    """

    id: int
    guild_id: int
    moderator_id: int
    action: str
    person_id: int | None
    job_id: int | None
    detail: str
    made_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A request that became no job; ``why`` is the class of the error that said so."""

    id: int
    guild_id: int | None
    channel_id: int
    person_id: int
    why: str
    prompt: str
    asked_at: datetime

"""Frozen records, which are what stores return."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from generation.request import GenerationRequest, Uploaded, UpscaleRequest, upscale_cost


class Kind(StrEnum):
    """What kind of job it is."""

    IMAGINE = "imagine"
    REROLL = "reroll"
    VARIATION = "variation"
    UPSCALE = "upscale"
    REMIX = "remix"
    INPAINT = "inpaint"
    OUTPAINT = "outpaint"
    HIRES = "hires"


class Status(StrEnum):
    """A job's state. It only moves forward, except that a shutdown returns RUNNING to QUEUED."""

    RECORDED = "recorded"  # the row exists, nobody has been answered yet
    QUEUED = "queued"  # answered, the message is known
    RUNNING = "running"
    DONE = "done"  # posted
    FAILED = "failed"
    CANCELLED = "cancelled"


class Place(StrEnum):
    """Where a job's message is; once this is deleted, the job can no longer be shown."""

    MESSAGE = "message"
    CHANNEL = "channel"
    SERVER = "server"


OPEN = (Status.RECORDED, Status.QUEUED, Status.RUNNING)

EVERYWHERE = 0  # instead of a server's id: all servers and direct messages
WHOLE_SERVER = 0  # instead of a channel's id

BY_MODERATOR = "by a moderator"  # the reason of a job that a moderator cancelled


@dataclass(frozen=True, slots=True)
class Origin:
    """Who made a request, where, and the interaction to respond to; times are UTC.

    If one interaction requests several jobs, ``part`` counts them from 0, which is the one in the
    original response. A ``private`` job is shown to nobody else. ``locale`` is the language of its
    messages, as Discord names it; ``filesize_limit`` is how many bytes per file Discord accepts in
    the response, if known. As a ``guest`` the bot is there through the person's user install, not
    as a member of the place. ``age_restricted`` is the state of the place at that time.
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
        """The server whose share of the queue it uses; None in direct messages and for guests."""
        return None if self.guest else self.guild_id

    @property
    def by_token_only(self) -> bool:
        """Whether only the interaction's token can post where the request was made."""
        return self.private or self.guest

    def __repr__(self) -> str:
        """Leave out the token, which lets anybody post in our name."""
        return f"Origin(interaction_id={self.interaction_id}, person_id={self.person_id})"


@dataclass(frozen=True, slots=True)
class Words:
    """The prompts as typed, before a style was applied."""

    prompt: str
    negative_prompt: str = ""


class InputRole(StrEnum):
    """What a picture that a job needs is for."""

    MASK = "mask"
    CONTROL = "control"
    REFERENCE = "reference"


@dataclass(frozen=True, slots=True)
class Input:
    """A picture that a job needs besides the one it starts from; ``sha256`` locates its file."""

    role: InputRole
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob:
    """A job to be recorded.

    Where its request has a strength, the picture it starts from is stored under ``source_sha256``,
    and what else it needs under ``inputs``, those of a role in the order of the request.
    ``factor`` is how much larger an upscale is than its request draws it. ``style`` names the
    prompt template that is in the request's prompts, and ``typed`` are those without it and
    without what a server adds; None where they are the request's own. ``flagged`` says what
    moderators should look at, ``stripped`` what filters cut out of the prompt, ``left_out``
    what the person brought and nothing here can use. Pictures
    scored above ``spoiler_above`` are hidden until somebody clicks, those above ``refuse_above``
    are not shown, and their files are dropped unless ``keep_refused``; None shows all of them.
    """

    kind: Kind
    request: GenerationRequest
    parent_id: int | None = None
    parent_index: int | None = None
    source_sha256: str | None = None
    inputs: tuple[Input, ...] = ()
    factor: int = 1
    style: str | None = None
    typed: Words | None = None
    flagged: str | None = None
    stripped: str | None = None
    left_out: str | None = None
    spoiler_above: float | None = None
    refuse_above: float | None = None
    keep_refused: bool = True

    @property
    def uploaded(self) -> bool:
        """Whether it upscales a picture that was uploaded, not generated."""
        return isinstance(self.request, Uploaded)

    @property
    def words(self) -> Words:
        """The prompts as the person typed them."""
        return self.typed or Words(self.request.prompt, self.request.negative_prompt)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of its pictures, in pixels."""
        width, height = self.request.result_size
        return self.factor * width, self.factor * height

    @property
    def rows(self) -> int:
        """The number of rows it takes in a forward pass."""
        return UpscaleRequest.rows if self.kind is Kind.UPSCALE else self.request.rows

    def cost(self) -> float:
        """Return its cost in the units of `GenerationRequest.cost`, if its source is stored."""
        if self.kind is Kind.UPSCALE:
            return upscale_cost(*self.request.result_size, self.factor)
        return self.request.cost()


@dataclass(frozen=True, slots=True, kw_only=True)
class Job(NewJob):
    """A job, as recorded in the database.

    ``cut`` are the words of its prompts beyond the text encoder's limit. If its place could no
    longer be reached, its message is in the person's ``direct_channel_id``. A job with a
    ``deleted_at`` has no message and pictures any more; the request itself stays on record.
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
        """What distinguishes it from the job with the same number in another database.

        A fresh start or a restored backup makes another database; Discord's id of the interaction
        that made the request is unique.
        """
        return f"{self.origin.interaction_id:x}"

    @property
    def channel_id(self) -> int | None:
        """The channel of its message for access without the token; None if there is no access."""
        if self.direct_channel_id is not None:
            return self.direct_channel_id
        return None if self.origin.by_token_only else self.origin.channel_id


@dataclass(frozen=True, slots=True)
class Search:
    """A person's search among the jobs of one server, or of direct messages.

    Their own, or with ``favourites`` those they marked, whoever made them; never deleted ones.
    ``word`` is in the prompt or negative prompt as typed, ignoring case and character width.
    """

    person_id: int
    guild_id: int | None
    favourites: bool = False
    word: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModSearch:
    """A moderator's search among the jobs of a server; None or empty matches everything.

    Includes deleted jobs, and those of people whose data was erased. ``words`` must appear
    literally in the typed prompts, ignoring case and character width. ``until`` is exclusive.
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
    """How many pictures a person requested, and how much device time they took."""

    pictures: int
    seconds: float


class Verdict(StrEnum):
    """The result of a picture's check."""

    SHOWN = "shown"
    SPOILER = "spoiler"  # shown after a click
    REFUSED = "refused"  # kept for moderators, if at all


@dataclass(frozen=True, slots=True)
class StoredPicture:
    """One picture of a job; ``sha256`` locates its file.

    ``nsfw`` is the probability that it is not safe for work, 0 to 1; None if unchecked.
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
    """An allowance for a person or role, replacing or adding to the server's quota.

    ``pictures_per_day`` is None if the server's applies. ``extra`` pictures are added on the day
    ``extra_on`` (UTC). Requests before ``counted_from`` do not count.
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
    """A person blocked in a server, or EVERYWHERE, for some time or permanently."""

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
    """What a filter does with a prompt that it matches."""

    REFUSE = "refuse"
    FLAG = "flag"
    STRIP = "strip"


class FilterStrictness(StrEnum):
    """How loosely a word, or each word of a phrase, is matched; each level includes those above."""

    WHOLE = "whole"  # as a word, disguised or not
    INSIDE = "inside"  # in longer words too, and with doubled letters
    SPACED = "spaced"  # also with anything except letters between its letters


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """A prompt filter of a server, or EVERYWHERE."""

    id: int
    guild_id: int
    pattern: str
    kind: FilterKind
    action: FilterAction
    strictness: FilterStrictness = FilterStrictness.WHOLE


class AuditAction(StrEnum):
    """Moderators' actions; related ones share their first word."""

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
    """A moderator's action; immutable.

    ``action`` is an AuditAction's value, possibly another release's.
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
    """A request that became no job; ``why`` is the class of the error that refused it."""

    id: int
    guild_id: int | None
    channel_id: int
    person_id: int
    why: str
    prompt: str
    asked_at: datetime

"""The interface through which services show jobs to people, and its errors."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from bot.db.records import Job, StoredPicture


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The progress of a running job, from its first step on."""

    step: int
    of: int
    seconds_left: float
    preview: bytes | None


@dataclass(frozen=True, slots=True)
class Result:
    """What to post of a finished job: the ``pictures`` that may be shown, with their PNG.

    ``held_back`` are those refused by the rules of the place. ``parent`` is the job it was made
    from, if any.
    """

    job: Job
    pictures: list[tuple[StoredPicture, bytes]]
    held_back: list[StoredPicture]
    parent: Job | None


class DeliveryFailed(Exception):
    """Discord could not be told; the text says why, for the job's record.

    ``retry_after`` is how many seconds Discord asks us to wait.
    """

    def __init__(self, why: str = "", *, retry_after: float = 0.0) -> None:
        super().__init__(why)
        self.retry_after = retry_after


class Refused(DeliveryFailed):
    """Discord does not allow it; a line without pictures may still be accepted."""


class MessageGone(DeliveryFailed):
    """The message or its channel was deleted."""


class Unreachable(DeliveryFailed):
    """An ephemeral message whose token expired, for a person who takes no direct messages."""


class TokenDied(DeliveryFailed):
    """The interaction's token has expired."""


class AnsweredElsewhere(Exception):
    """Another process of the same bot answered the interaction, so the job belongs to it."""


class Presenter(Protocol):
    """Shows a job where it was requested, in one message.

    It records any direct message sent in place of one that cannot be reached.
    """

    def on_gone(self, listener: Callable[[Job], Awaitable[None]]) -> None:
        """Register a listener for running jobs whose message turns out to be deleted."""

    def waiting(self, job: Job, place: int) -> None:
        """Show the position in the queue, soon; a newer state may overtake it."""

    def loading(self, job: Job, checkpoint: str, share: float) -> None:
        """Show which share of the checkpoint is loaded, soon; a newer state may overtake it."""

    def progress(self, job: Job, snapshot: Snapshot, look: Callable[[], None]) -> None:
        """Show the progress, soon, and ``look`` for more once a newer one can be shown."""

    def stalled(self, job: Job, drawn: int) -> None:
        """Show that it is waiting for the disk, with this many pictures generated, soon."""

    async def done(self, result: Result) -> None:
        """Post the pictures; raises DeliveryFailed. Idempotent."""

    async def failed(self, job: Job, error: BaseException) -> None:
        """Say in one line why there are no pictures; raises DeliveryFailed.

        If its message cannot be edited, the person gets an ephemeral reply instead.
        """

    async def cancelled(self, job: Job) -> None:
        """Show that it was cancelled; raises DeliveryFailed."""

    def drop(self, job: Job) -> None:
        """Show nothing more of a job whose message is gone."""

    def can_answer(self, job: Job) -> bool:
        """Tell whether the interaction's response can still be looked up."""

    async def find_answer(self, job: Job, *, of_this_run: bool) -> int | None:
        """Return the id of the first reply, or None if it never arrived.

        ``of_this_run`` says that it was sent since this process started. Raises AnsweredElsewhere
        if it is not ours, TokenDied if it can no longer be looked up, DeliveryFailed if Discord
        does not answer.
        """

    async def repost(self, job: Job) -> int:
        """Post the single message that replaces a reply whose fate cannot be determined.

        Raises DeliveryFailed.
        """

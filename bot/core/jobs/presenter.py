"""What shows jobs to people, as the services see it, and how that can fail."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from bot.db.records import Job, StoredPicture


@dataclass(frozen=True, slots=True)
class Snapshot:
    """How far a running job is, from its first step on."""

    step: int
    of: int
    seconds_left: float
    preview: bytes | None


@dataclass(frozen=True, slots=True)
class Result:
    """What is to be posted of a drawn job: the ``pictures`` that may be shown, with their PNG.

    ``held_back`` are those that the rules of the place refuse. ``parent`` is the job that it was
    made from, if it was.
    """

    job: Job
    pictures: list[tuple[StoredPicture, bytes]]
    held_back: list[StoredPicture]
    parent: Job | None


class DeliveryFailed(Exception):
    """Discord could not be told; the text says why, for the job's record.

    ``retry_after`` are the seconds for which Discord asks us to stay away.
    """

    def __init__(self, why: str = "", *, retry_after: float = 0.0) -> None:
        super().__init__(why)
        self.retry_after = retry_after


class Refused(DeliveryFailed):
    """Discord does not allow it; a line without pictures may still pass."""


class MessageGone(DeliveryFailed):
    """The message was deleted, or the channel around it."""


class Unreachable(DeliveryFailed):
    """Its person alone may see it, its token is dead, and they take no direct messages."""


class TokenDied(DeliveryFailed):
    """The interaction's token answers no more."""


class AnsweredElsewhere(Exception):
    """Another process of the same bot answered the interaction: the job is theirs."""


class Presenter(Protocol):
    """Shows a job where it was asked for, in one message.

    Of a direct message in place of one that cannot be reached it writes down where that is.
    """

    def on_gone(self, listener: Callable[[Job], Awaitable[None]]) -> None:
        """Tell a listener of jobs whose message turns out to be deleted while they still run."""

    def waiting(self, job: Job, place: int) -> None:
        """Show its place in the queue, soon; a newer state may overtake it."""

    def loading(self, job: Job, checkpoint: str) -> None:
        """Show that the checkpoint is being loaded, soon; a newer state may overtake it."""

    def progress(self, job: Job, snapshot: Snapshot) -> None:
        """Show how far it is, soon; a newer state may overtake it."""

    def stalled(self, job: Job, drawn: int) -> None:
        """Show that it waits for the disk, with so many pictures drawn, soon."""

    async def done(self, result: Result) -> None:
        """Post the pictures; raises DeliveryFailed. Doing it twice changes nothing."""

    async def failed(self, job: Job, error: BaseException) -> None:
        """Say in one line why there are no pictures; raises DeliveryFailed.

        Where its message does not take that, it is said to its person alone.
        """

    async def cancelled(self, job: Job) -> None:
        """Say that it was cancelled; raises DeliveryFailed."""

    def drop(self, job: Job) -> None:
        """Show nothing more of a job whose message is gone."""

    def can_answer(self, job: Job) -> bool:
        """Tell whether the interaction can still be asked about its answer."""

    async def find_answer(self, job: Job, *, of_this_run: bool) -> int | None:
        """Return the id of the first answer, or None where it never arrived.

        ``of_this_run`` says that we sent it since we were started. Raises AnsweredElsewhere where
        it is not ours, TokenDied where nobody can ask any more, DeliveryFailed where Discord is
        silent.
        """

    async def repost(self, job: Job) -> int:
        """Post the one message that stands in for an answer whose fate cannot be known.

        Raises DeliveryFailed.
        """

"""Admission: whether somebody may ask for this, here, now; and a note of who may not.

It is asked before anything is recorded, so that nothing is refused later. What it asks, each
feature adds: a check, and where in the order that belongs.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum, auto

from bot.core.admission.refusal_store import RefusalStore
from bot.core.admission.request_context import RequestContext
from bot.core.errors import JobError
from bot.db.errors import StoreError
from bot.db.records import NewJob, Origin

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """What the owner allows, whatever a server does.

    How many jobs may be open: everybody's together, one person's, and one server's, where None
    is as many as there are places left then. How many pictures, and how much of the device's time,
    one person may have in a day everywhere; None is any. How many jobs of one person run at once.
    Whether direct messages, and people who installed the bot for themselves, may have any.
    """

    waiting: int
    waiting_per_person: int
    waiting_per_server: int | None = None
    running_per_person: int = 1
    pictures_per_day: int | None = None
    seconds_per_day: int | None = None
    direct_messages: bool = True
    user_installs: bool = True


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody asks for: so many more jobs, with so many pictures together, in these words."""

    prompt: str = ""
    jobs: int = 1
    pictures: int = 1

    @classmethod
    def of(cls, new_job: NewJob) -> "Wanted":
        """Return what one job is."""
        return cls(new_job.words.prompt, pictures=new_job.request.num_images)


class Stage(IntEnum):
    """When a check is asked; who is refused is told nothing that a later one would say."""

    PERSON = auto()  # whether they may ask for anything at all
    PLACE = auto()  # whether anybody may there, and they
    QUOTA = auto()  # how much of a day is left
    ROOM = auto()  # last, and without a pause before the job is recorded: others are admitted


# Raises the JobError that forbids what is wanted.
Check = Callable[[RequestContext, Wanted], Awaitable[None]]
# Returns a new job as it may be drawn there, or raises the JobError that forbids it.
Screen = Callable[[NewJob, RequestContext], Awaitable[NewJob]]


class Admission:
    """The checks in their order; what they refuse is noted for moderators."""

    def __init__(self, refusals: RefusalStore) -> None:
        self._refusals = refusals
        self._checks: list[tuple[Stage, Check]] = []
        self._screens: list[Screen] = []
        self._notes: set[asyncio.Task[None]] = set()

    def add(self, stage: Stage, check: Check) -> None:
        """Ask this, too, after what was added before for the same stage."""
        self._checks.append((stage, check))
        self._checks.sort(key=lambda one: one[0])

    def add_screen(self, screen: Screen) -> None:
        """Let this look at what is to be drawn, after those that were added before."""
        self._screens.append(screen)

    async def admit(self, context: RequestContext, wanted: Wanted) -> None:
        """Raise the JobError that forbids what is wanted."""
        with self._noting(context, wanted.prompt):
            for _, check in self._checks:
                await check(context, wanted)

    async def screen(self, new_job: NewJob, context: RequestContext) -> NewJob:
        """Return a new job as it may be drawn there; raises the JobError that forbids it.

        That may take a while, so nobody else has to wait for it. Whoever may ask for nothing is
        not told what else is wrong.
        """
        with self._noting(context, new_job.words.prompt):
            for stage, check in self._checks:
                if stage is Stage.PERSON:
                    await check(context, Wanted.of(new_job))
            for screen in self._screens:
                new_job = await screen(new_job, context)
        return new_job

    @contextmanager
    def _noting(self, context: RequestContext, prompt: str) -> Iterator[None]:
        """Note the refusal that ends what is done in this context."""
        try:
            yield
        except JobError as error:
            self._note(error, context, prompt)
            raise

    async def close(self) -> None:
        """Return when every note is written."""
        await asyncio.gather(*self._notes)

    def _note(self, error: JobError, context: RequestContext, prompt: str) -> None:
        # Beside the answer, which is due soon: writing waits for whoever holds the database.
        note = self._write(type(error).__name__, context.origin, prompt)
        task = asyncio.create_task(note, name="refusal")
        self._notes.add(task)
        task.add_done_callback(self._notes.discard)

    async def _write(self, why: str, origin: Origin, prompt: str) -> None:
        try:
            await self._refusals.add(origin, why=why, prompt=prompt)
        except StoreError as error:
            log.warning("a refusal (%s) is not written: %s", why, error)

"""Admission: whether a person may make this request, here and now; refusals are noted.

Admission is checked before anything is recorded, so nothing is refused later. Each feature adds its
own check at the stage where it belongs.
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
    """Limits set by the bot's owner, whatever a server's rules say.

    How many jobs may be open in total, per person, and per server (None: as many as there are
    places left). How many pictures and how much device time one person may have per day across all
    servers (None: unlimited). How many jobs of one person run at once. Whether direct messages and
    user installs may be used at all.
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
    """What a request asks for: the number of new jobs and pictures, and the prompts."""

    prompt: str = ""
    jobs: int = 1
    pictures: int = 1

    @classmethod
    def of(cls, new_job: NewJob) -> "Wanted":
        """Return what a single job asks for."""
        return cls(new_job.words.prompt, pictures=new_job.request.num_images)


class Stage(IntEnum):
    """When a check runs. A refusal reveals nothing that a later check would say."""

    PERSON = auto()  # whether the person may request anything at all
    PLACE = auto()  # whether anybody, and this person, may generate here
    QUOTA = auto()  # how much is left of the daily quota
    ROOM = auto()  # last, with no await before recording: other requests are being admitted


# Raises the JobError that forbids the request.
Check = Callable[[RequestContext, Wanted], Awaitable[None]]
# Returns a new job as the rules allow it, or raises the JobError that forbids it.
Screen = Callable[[NewJob, RequestContext], Awaitable[NewJob]]


class Admission:
    """All admission checks, in order. Refusals are noted for moderators."""

    def __init__(self, refusals: RefusalStore) -> None:
        self._refusals = refusals
        self._checks: list[tuple[Stage, Check]] = []
        self._screens: list[Screen] = []
        self._notes: set[asyncio.Task[None]] = set()

    def add(self, stage: Stage, check: Check) -> None:
        """Add a check, after those already added to the same stage."""
        self._checks.append((stage, check))
        self._checks.sort(key=lambda one: one[0])

    def add_screen(self, screen: Screen) -> None:
        """Add a screen for prompts, after those already added."""
        self._screens.append(screen)

    async def admit(
        self, context: RequestContext, wanted: Wanted, last: Stage = Stage.ROOM
    ) -> None:
        """Raise the JobError that forbids the request, if any, in stages up to the ``last``."""
        with self._noting(context, wanted.prompt):
            for stage, check in self._checks:
                if stage <= last:
                    await check(context, wanted)

    async def screen(self, new_job: NewJob, context: RequestContext) -> NewJob:
        """Return a new job as the rules allow it; raises the JobError that forbids it.

        Screening may take a while, so it does not hold up other people. A person who may not
        request anything is not told what else is wrong.
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
        """Note a refusal raised in this context."""
        try:
            yield
        except JobError as error:
            self._note(error, context, prompt)
            raise

    async def close(self) -> None:
        """Wait until every note has been written."""
        await asyncio.gather(*self._notes)

    def _note(self, error: JobError, context: RequestContext, prompt: str) -> None:
        # Written in the background: the reply is due soon, and a write may wait for the database.
        note = self._write(type(error).__name__, context.origin, prompt)
        task = asyncio.create_task(note, name="refusal")
        self._notes.add(task)
        task.add_done_callback(self._notes.discard)

    async def _write(self, why: str, origin: Origin, prompt: str) -> None:
        try:
            await self._refusals.add(origin, why=why, prompt=prompt)
        except StoreError as error:
            log.warning("a refusal (%s) is not written: %s", why, error)

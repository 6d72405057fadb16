"""The door of the house: who is let in with which words, and a note of who is not."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from bot.services.errors import JobError
from bot.services.policy import Asked, Policy
from bot.services.screening import Screening
from bot.store.errors import StoreError
from bot.store.records import Draft, Origin
from bot.store.refusals import RefusalStore

log = logging.getLogger(__name__)


class Door:
    """The policy and the filters; what they refuse is noted for moderators."""

    def __init__(self, *, policy: Policy, screening: Screening, refusals: RefusalStore) -> None:
        self._policy = policy
        self._screening = screening
        self._refusals = refusals
        self._notes: set[asyncio.Task[None]] = set()

    async def admit(self, asked: Asked, prompt: str, *, jobs: int = 1, pictures: int = 1) -> None:
        """Raise the JobError that forbids so many more jobs, as the policy does."""
        with self.noting(asked, prompt):
            await self._policy.admit(asked, jobs=jobs, pictures=pictures)

    async def screen(self, draft: Draft, asked: Asked) -> Draft:
        """Return a draft as the filters leave it; raises Blocked or PromptRefused.

        Filters may take a while, so nobody else has to wait for them. Whoever is blocked is not
        told what they would say.
        """
        with self.noting(asked, draft.words.prompt):
            self._policy.check_block(asked)
            return await self._screening.apply(draft, asked.origin.guild_id)

    @contextmanager
    def noting(self, asked: Asked, prompt: str) -> Iterator[None]:
        """Note the refusal that ends what is done in this context."""
        try:
            yield
        except JobError as error:
            self._note(error, asked, prompt)
            raise

    async def close(self) -> None:
        """Return when every note is written."""
        await asyncio.gather(*self._notes)

    def _note(self, error: JobError, asked: Asked, prompt: str) -> None:
        # Beside the answer, which is due soon: writing waits for whoever holds the database.
        note = self._write(type(error).__name__, asked.origin, prompt)
        task = asyncio.create_task(note, name="refusal")
        self._notes.add(task)
        task.add_done_callback(self._notes.discard)

    async def _write(self, why: str, origin: Origin, prompt: str) -> None:
        try:
            await self._refusals.add(origin, why=why, prompt=prompt)
        except StoreError as error:
            log.warning("a refusal (%s) is not written: %s", why, error)

"""Moderators' actions on people and jobs, all recorded in the audit trail."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from bot.core.admission.admission import Wanted
from bot.core.admission.request_context import Actor, RequestContext, Target
from bot.core.admission.visibility import Visibility
from bot.core.audit_store import AuditStore, NewAuditEntry
from bot.core.errors import Blocked, NotBlockable, NothingToDo
from bot.core.jobs.job_service import JobService
from bot.core.jobs.job_store import JobStore
from bot.core.pictures.gallery import remove_files
from bot.core.pictures.picture_store import PictureStore
from bot.db.records import OPEN, AuditAction, AuditEntry, Block, Job
from bot.features.moderation.block_store import BlockStore
from bot.texts import say

log = logging.getLogger(__name__)

FOR_GOOD = "for good"


@dataclass(frozen=True, slots=True)
class AuditSearch:
    """Search criteria for the audit trail; None matches everything."""

    guild_id: int
    moderator_id: int | None = None
    person_id: int | None = None
    action: str | None = None


class ModerationService:
    """The service behind moderators' commands; callers must have checked their rights."""

    def __init__(
        self,
        *,
        jobs: JobService,
        visibility: Visibility,
        store: JobStore,
        pictures: PictureStore,
        blocks: BlockStore,
        audit: AuditStore,
    ) -> None:
        self._jobs = jobs
        self._visibility = visibility
        self._store = store
        self._pictures = pictures
        self._blocks = blocks
        self._audit = audit

    async def check(self, context: RequestContext, _: Wanted) -> None:
        """Raise Blocked if a person may not generate here."""
        origin = context.origin
        block = self._blocks.holding(origin.person_id, origin.guild_id, origin.asked_at)
        if block is not None:
            raise Blocked(block.reason, block.until)

    async def block(
        self, target: Target, actor: Actor, *, until: datetime | None, reason: str
    ) -> int:
        """Block a person and cancel their jobs there; return how many. Raises NotBlockable.

        Any earlier block is replaced.
        """
        if target.person_id == actor.person_id:
            raise NotBlockable(say("error-block-yourself"))
        if target.is_us:
            raise NotBlockable(say("error-block-bot"))
        if target.moderates and not actor.owns:
            raise NotBlockable(say("error-block-moderator"))
        end = FOR_GOOD if until is None else f"until {until:%Y-%m-%d %H:%M} UTC"
        entry = actor.audit_entry(
            AuditAction.BLOCK, f"{end}: {reason}" if reason else end, person_id=target.person_id
        )
        await self._blocks.add(entry, reason=reason, until=until)
        ended = await self._jobs.cancel_all(target.person_id, actor, reason)
        log.info("%d blocked by %d, %d jobs ended", target.person_id, actor.person_id, ended)
        return ended

    async def unblock(self, person_id: int, actor: Actor, *, at: datetime, reason: str) -> None:
        """Lift a person's block; raises NothingToDo if there is none."""
        if not await self._blocks.lift(
            actor.audit_entry(AuditAction.UNBLOCK, reason, person_id=person_id), at
        ):
            raise NothingToDo(say("error-not-blocked"))

    async def blocks(
        self, guild_id: int, at: datetime, before: int | None, limit: int
    ) -> Sequence[Block]:
        """Return the active blocks in a server, or EVERYWHERE, newest first."""
        return await self._blocks.page(guild_id, at, before=before, limit=limit)

    async def remove(self, job_id: int, actor: Actor, *, reason: str) -> tuple[Job, int]:
        """Remove a job's pictures, cancelling it first if it is open.

        Return the job, whose message is left to the caller, and how many jobs made from it remain.
        Raises JobNotFound. Idempotent.
        """
        job = await self._visibility.endable(job_id, actor)
        if job.status in OPEN:
            with suppress(NothingToDo):  # it has ended meanwhile
                await self._jobs.cancel(job.id, actor, reason)
        entry = actor.audit_entry(
            AuditAction.REMOVE, reason, person_id=job.origin.person_id, job_id=job.id
        )
        await remove_files(self._store, self._pictures, job, actor, entry)
        return await self._store.get(job.id) or job, await self._store.children_count(job)

    async def note(self, entry: NewAuditEntry) -> None:
        """Record a moderator's action that changes nothing here; raises StoreError."""
        await self._audit.add(entry)

    async def entries(
        self, entries: AuditSearch, before: int | None, limit: int
    ) -> Sequence[AuditEntry]:
        """Return the audit entries of a server, or EVERYWHERE, newest first."""
        return await self._audit.page(
            entries.guild_id,
            before=before,
            limit=limit,
            person_id=entries.person_id,
            moderator_id=entries.moderator_id,
            action=entries.action,
        )

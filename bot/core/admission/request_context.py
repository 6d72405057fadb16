"""Who requests a job or acts on one, where, and under which conditions."""

import dataclasses
from dataclasses import dataclass, replace

from bot.core.admission.channel_access import BLIND, Eyes
from bot.core.audit_store import NewAuditEntry
from bot.core.erasing import NOBODY
from bot.db.records import AuditAction, Job, Origin


@dataclass(frozen=True, slots=True)
class RequestContext:
    """Who requests a job, and the conditions at that moment, as Discord reported them.

    ``channel_ids`` are the channel and, for a thread, its parent. ``role_ids`` are the person's
    roles in this server. ``missing_permissions`` are those the bot lacks there, by their names in
    Discord's settings. ``age_restricted`` is None if unknown. ``alone`` means direct messages with
    the bot, where nobody else reads. ``eyes`` say what the person can see.
    """

    origin: Origin
    missing_permissions: tuple[str, ...] = ()
    channel_ids: tuple[int, ...] = ()
    role_ids: frozenset[int] = frozenset()
    age_restricted: bool | None = False
    alone: bool = False
    eyes: Eyes = dataclasses.field(default=BLIND, compare=False, repr=False)

    @property
    def actor(self) -> "Actor":
        """The requester, without moderator rights."""
        origin = self.origin
        return Actor(origin.person_id, origin.guild_id, moderates=False, eyes=self.eyes)

    def in_private(self) -> "RequestContext":
        """Return the same context for a private job.

        Private jobs reply through the interaction token only, which needs no permissions. Where
        nobody else can read, nothing changes: an ordinary message lasts longer than an ephemeral
        one.
        """
        if self.alone:
            return self
        return replace(self, origin=replace(self.origin, private=True), missing_permissions=())


@dataclass(frozen=True, slots=True)
class Actor:
    """A person who pressed a button or used a command.

    Their moderator and owner rights apply to the whole server; ``guild_id`` may be EVERYWHERE.
    Their ``eyes`` say what they may do in one channel.
    """

    person_id: int
    guild_id: int | None
    moderates: bool
    owns: bool = False
    eyes: Eyes = dataclasses.field(default=BLIND, compare=False, repr=False)

    def audit_entry(
        self,
        action: AuditAction,
        detail: str,
        *,
        person_id: int | None = None,
        job_id: int | None = None,
    ) -> NewAuditEntry:
        """Return the audit entry for a moderator's action."""
        if self.guild_id is None:
            raise ValueError("nobody moderates direct messages")
        return NewAuditEntry(
            guild_id=self.guild_id,
            moderator_id=self.person_id,
            action=action,
            detail=detail,
            person_id=None if person_id == NOBODY else person_id,
            job_id=job_id,
        )

    def audit_entry_on(
        self, job: Job, action: AuditAction, detail: str = ""
    ) -> NewAuditEntry | None:
        """Return the audit entry for acting on another's job; None if it is their own."""
        if self.person_id == job.origin.person_id:
            return None
        return self.audit_entry(action, detail, person_id=job.origin.person_id, job_id=job.id)


@dataclass(frozen=True, slots=True)
class Target:
    """The person a moderator acts on; ``moderates`` refers to the server of the action."""

    person_id: int
    moderates: bool
    is_us: bool

"""Who asks for a job, or acts on one, and what holds for them there and then."""

import dataclasses
from dataclasses import dataclass, replace

from bot.core.admission.channel_access import BLIND, Eyes
from bot.core.audit_store import NewAuditEntry
from bot.core.erasing import NOBODY
from bot.db.records import AuditAction, Job, Origin


@dataclass(frozen=True, slots=True)
class RequestContext:
    """Who asks for a job, and what holds for them there and then, as Discord told us.

    ``channel_ids`` are the channel and, for a thread, the one around it. ``role_ids`` are the
    person's in this server. ``missing_permissions`` are those that we lack there, as Discord's
    settings call them. Whether the place is ``age_restricted`` may not be known (None). Who asks in
    direct messages with us is ``alone``: nobody else reads there. ``eyes`` are theirs.
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
        """Who asks, as somebody with no rights but their own."""
        origin = self.origin
        return Actor(origin.person_id, origin.guild_id, moderates=False, eyes=self.eyes)

    def in_private(self) -> "RequestContext":
        """Return the same, for a job that nobody else sees.

        Only the token writes then, which needs no permission. Where nobody else reads, nothing
        changes: an ordinary message stays for longer than a private answer.
        """
        if self.alone:
            return self
        return replace(self, origin=replace(self.origin, private=True), missing_permissions=())


@dataclass(frozen=True, slots=True)
class Actor:
    """A person who pressed a button or gave a command.

    Whether they moderate or own is about that whole server; ``guild_id`` may be EVERYWHERE. What
    they may do in one channel their ``eyes`` say.
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
        """Return what they do as moderators, for the audit trail."""
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
        """Return what they do to another's job as moderators; None where it is their own."""
        if self.person_id == job.origin.person_id:
            return None
        return self.audit_entry(action, detail, person_id=job.origin.person_id, job_id=job.id)


@dataclass(frozen=True, slots=True)
class Target:
    """A person whom moderators act on; ``moderates`` is about the server that it happens in."""

    person_id: int
    moderates: bool
    is_us: bool

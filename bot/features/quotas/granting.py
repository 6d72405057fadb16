"""Granting allowances on top of a server's quota; every grant is recorded."""

from datetime import UTC, datetime

from bot.core.audit_store import NewAuditEntry
from bot.core.quotas.allowance_store import AllowanceStore
from bot.core.quotas.quotas import Quotas, QuotaStatus
from bot.db.records import Allowance, AuditAction, Holder


class Granting:
    """The service behind /mod quota; callers must have checked permissions.

    An allowance passed in only identifies its holder; its values are ignored.
    """

    def __init__(self, allowances: AllowanceStore, quotas: Quotas) -> None:
        self._allowances = allowances
        self._quotas = quotas

    def held(self, whose: Allowance) -> Allowance:
        """Return the holder's allowance."""
        return self._allowances.get(whose.guild_id, whose.holder, whose.holder_id)

    async def quota_status(
        self, person_id: int, guild_id: int, role_ids: frozenset[int], now: datetime
    ) -> QuotaStatus:
        """Return a person's current quota status."""
        return await self._quotas.quota_status(person_id, guild_id, role_ids, now)

    async def set_daily(
        self, whose: Allowance, moderator_id: int, pictures: int | None
    ) -> Allowance:
        """Set the holder's pictures per day; None resets it to the server's number."""
        what = "the server's" if pictures is None else f"{pictures} pictures a day"
        entry = _deed(whose, moderator_id, AuditAction.QUOTA_SET, what)
        return await self._allowances.change(whose, entry, pictures_per_day=pictures)

    async def add_today(
        self, whose: Allowance, moderator_id: int, pictures: int, now: datetime
    ) -> Allowance:
        """Grant this many more pictures on this day (UTC)."""
        day = now.astimezone(UTC).date()
        entry = _deed(whose, moderator_id, AuditAction.QUOTA_ADD, f"{pictures} more on {day}")
        return await self._allowances.change(whose, entry, extra=pictures, extra_on=day)

    async def count_anew(self, whose: Allowance, moderator_id: int, now: datetime) -> Allowance:
        """Stop counting what was requested before now."""
        entry = _deed(whose, moderator_id, AuditAction.QUOTA_RESET, "counted from now on")
        return await self._allowances.change(whose, entry, counted_from=now)


def _deed(whose: Allowance, moderator_id: int, action: AuditAction, what: str) -> NewAuditEntry:
    person = whose.holder is Holder.PERSON
    return NewAuditEntry(
        guild_id=whose.guild_id,
        moderator_id=moderator_id,
        action=action,
        detail=what if person else f"<@&{whose.holder_id}>: {what}",
        person_id=whose.holder_id if person else None,
    )

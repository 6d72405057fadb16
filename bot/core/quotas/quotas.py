"""How many pictures and how much device time a person has left in a server per UTC day."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from bot.core.admission.admission import Limits, Wanted
from bot.core.admission.request_context import RequestContext
from bot.core.admission.rule_store import RuleStore
from bot.core.errors import QuotaReached
from bot.core.jobs.job_store import JobStore, Waiting
from bot.core.quotas.allowance_store import AllowanceStore
from bot.core.quotas.spending_store import Period, SpendingStore
from bot.db.records import Allowance, Holder, Origin, Spent
from bot.texts import say


@dataclass(frozen=True, slots=True)
class QuotaStatus:
    """What a person has used of a day, their limits (None: unlimited), and when it resets.

    Seconds include device time spent and an estimate for waiting jobs.
    """

    used: Spent
    pictures: int | None
    seconds: int | None
    ends_at: datetime

    @property
    def limited(self) -> bool:
        """Whether there is any limit."""
        return self.pictures is not None or self.seconds is not None


class Quotas:
    """A server's quota, moderators' allowances on top, and the owner's limits."""

    def __init__(
        self,
        *,
        jobs: JobStore,
        spending: SpendingStore,
        rules: RuleStore,
        allowances: AllowanceStore,
        limits: Limits,
    ) -> None:
        self._jobs = jobs
        self._spending = spending
        self._rules = rules
        self._allowances = allowances
        self._ceilings = limits

    async def load(self) -> None:
        """Read the allowances; call this first."""
        await self._allowances.load()

    async def quota_status(
        self, person_id: int, guild_id: int, role_ids: frozenset[int], asked_at: datetime
    ) -> QuotaStatus:
        """Return a person's quota status on the day of this moment."""
        quota = self._quota(person_id, guild_id, role_ids, asked_at)
        (used,) = await self._spending.of(quota.period)
        return await self._status(quota, used)

    def _quota(
        self, person_id: int, guild_id: int, role_ids: frozenset[int], asked_at: datetime
    ) -> "_Quota":
        day = asked_at.astimezone(UTC).date()
        begins, ends = _midnight(day), _midnight(day + timedelta(days=1))
        rules = self._rules.hold(guild_id)
        granted = self._allowances.of(guild_id, person_id, role_ids)
        resets = [one.counted_from for one in granted if one.counted_from is not None]
        pictures = pictures_allowed(rules.pictures_per_day, granted, day)
        period = Period(person_id, guild_id, max([begins, *resets]), ends)
        return _Quota(period, pictures, rules.seconds_per_day)

    async def _status(self, quota: "_Quota", used: Spent) -> QuotaStatus:
        if quota.seconds is not None:
            period = quota.period
            waiting = self._jobs.waiting_of(period.person_id)
            here = [one for one in waiting if one.guild_id == period.guild_id]
            used = Spent(used.pictures, used.seconds + await self._seconds_of(here))
        return QuotaStatus(used, quota.pictures, quota.seconds, quota.period.until)

    async def standing_of(self, context: RequestContext) -> QuotaStatus | None:
        """Return the requester's status with the server's quota; None in direct messages."""
        origin = context.origin
        if origin.guild_id is None:
            return None
        return await self.quota_status(
            origin.person_id, origin.guild_id, context.role_ids, origin.asked_at
        )

    def limits(self, context: RequestContext) -> bool:
        """Tell whether the requester has any limit in the server."""
        return self._quota_of(context) is not None

    async def check(self, context: RequestContext, wanted: Wanted) -> None:
        """Raise QuotaReached if the day has no room for this many more pictures.

        Some device time must be left; a job that starts with it may use more.
        """
        quota, ceiling = self._quota_of(context), self._ceiling_of(context.origin)
        limits = [one for one in (quota, ceiling) if one is not None]
        if not limits:
            return  # nothing to count
        used = await self._spending.of(*(one.period for one in limits))
        if quota is not None:
            _check_server(await self._status(quota, used[0]), wanted.pictures)
        if ceiling is not None:
            await self._check_everywhere(ceiling, used[-1], wanted.pictures)

    async def _check_everywhere(self, ceiling: "_Quota", used: Spent, pictures: int) -> None:
        """Apply the owner's limits.

        They count a person's use in all servers and direct messages, whatever moderators granted.
        """
        back = f"<t:{int(ceiling.period.until.timestamp())}:R>"
        if ceiling.pictures is not None and used.pictures + pictures > ceiling.pictures:
            raise QuotaReached(say("error-ceiling-pictures", limit=ceiling.pictures, back=back))
        if ceiling.seconds is not None:
            waiting = self._jobs.waiting_of(ceiling.period.person_id)
            if used.seconds + await self._seconds_of(waiting) >= ceiling.seconds:
                raise QuotaReached(say("error-ceiling-seconds", limit=ceiling.seconds, back=back))

    def _quota_of(self, context: RequestContext) -> "_Quota | None":
        """Return the requester's quota in the server, if there is any limit."""
        origin = context.origin
        if origin.guild_id is None:
            return None
        quota = self._quota(origin.person_id, origin.guild_id, context.role_ids, origin.asked_at)
        return quota if quota.limited else None

    def _ceiling_of(self, origin: Origin) -> "_Quota | None":
        day = origin.asked_at.astimezone(UTC).date()
        begins, ends = _midnight(day), _midnight(day + timedelta(days=1))
        most, seconds = self._ceilings.pictures_per_day, self._ceilings.seconds_per_day
        ceiling = _Quota(Period(origin.person_id, None, begins, ends), most, seconds)
        return ceiling if ceiling.limited else None

    async def _seconds_of(self, waiting: Iterable[Waiting]) -> float:
        """Estimate the device time of a person's waiting jobs."""
        pace = await self._jobs.seconds_per_cost() or 0.0
        return sum(max(0.0, pace * one.cost - one.seconds) for one in waiting)


@dataclass(frozen=True, slots=True)
class _Quota:
    """What a person may use in a period; None is unlimited."""

    period: Period
    pictures: int | None
    seconds: int | None

    @property
    def limited(self) -> bool:
        return self.pictures is not None or self.seconds is not None


def _check_server(now: QuotaStatus, pictures: int) -> None:
    """Raise QuotaReached if a server's quota has no room for this many more pictures."""
    back = f"<t:{int(now.ends_at.timestamp())}:R>"
    if now.pictures is not None and now.used.pictures + pictures > now.pictures:
        raise QuotaReached(
            say(
                "error-quota-pictures",
                used=now.used.pictures,
                limit=now.pictures,
                asked=pictures,
                back=back,
            )
        )
    if now.seconds is not None and now.used.seconds >= now.seconds:
        raise QuotaReached(say("error-quota-seconds", limit=now.seconds, back=back))


def pictures_allowed(per_day: int | None, granted: Sequence[Allowance], day: date) -> int | None:
    """Return the number of pictures per day; None for unlimited.

    A person's own allowance takes precedence over those of their roles; among roles the most
    generous counts.
    """
    own = [one for one in granted if one.holder is Holder.PERSON]
    roles = [one for one in granted if one.holder is Holder.ROLE]
    for holders in (own, roles):
        said = [one.pictures_per_day for one in holders if one.pictures_per_day is not None]
        if said:
            per_day = max(said)
            break
    if per_day is None:
        return None
    for holders in (own, roles):
        extra = max((one.extra for one in holders if one.extra_on == day), default=0)
        if extra:
            return per_day + extra
    return per_day


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)

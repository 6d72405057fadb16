"""How many pictures and how much device time a person has left in a server per UTC day."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from bot.core.admission.admission import Limits, Wanted
from bot.core.admission.request_context import RequestContext
from bot.core.admission.rule_store import RuleStore
from bot.core.errors import QuotaReached
from bot.core.jobs.job_store import LATEST, JobStore
from bot.core.quotas.allowance_store import AllowanceStore
from bot.core.quotas.spending_store import SpendingStore
from bot.db.records import Allowance, Holder, Job, Origin, Spent
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
        day = asked_at.astimezone(UTC).date()
        begins, ends = _midnight(day), _midnight(day + timedelta(days=1))
        rules = self._rules.hold(guild_id)
        granted = self._allowances.of(guild_id, person_id, role_ids)
        resets = [one.counted_from for one in granted if one.counted_from is not None]
        used = await self._spending.of(
            person_id=person_id, guild_id=guild_id, since=max([begins, *resets]), until=ends
        )
        if rules.seconds_per_day is not None:
            ahead = await self._seconds_of(await self._jobs.open_of(person_id, guild_id))
            used = Spent(used.pictures, used.seconds + ahead)
        pictures = pictures_allowed(rules.pictures_per_day, granted, day)
        return QuotaStatus(used, pictures, rules.seconds_per_day, ends)

    async def standing_of(self, context: RequestContext) -> QuotaStatus | None:
        """Return the requester's status with the server's quota; None in direct messages."""
        origin = context.origin
        if origin.guild_id is None:
            return None
        return await self.quota_status(
            origin.person_id, origin.guild_id, context.role_ids, origin.asked_at
        )

    async def check(self, context: RequestContext, wanted: Wanted) -> None:
        """Raise QuotaReached if the day has no room for this many more pictures.

        Some device time must be left; a job that starts with it may use more.
        """
        await self._check_server(context, wanted.pictures)
        await self._check_everywhere(context.origin, wanted.pictures)

    async def _check_server(self, context: RequestContext, pictures: int) -> None:
        if not self._is_limited(context):
            return  # nothing to count
        now = await self.standing_of(context)
        if now is None:
            return
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

    async def _check_everywhere(self, origin: Origin, pictures: int) -> None:
        """Apply the owner's limits.

        They count a person's use in all servers and direct messages, whatever moderators granted.
        """
        most, seconds = self._ceilings.pictures_per_day, self._ceilings.seconds_per_day
        if most is None and seconds is None:
            return
        person_id, day = origin.person_id, origin.asked_at.astimezone(UTC).date()
        begins, ends = _midnight(day), _midnight(day + timedelta(days=1))
        used = await self._spending.everywhere(person_id=person_id, since=begins, until=ends)
        back = f"<t:{int(ends.timestamp())}:R>"
        if most is not None and used.pictures + pictures > most:
            raise QuotaReached(say("error-ceiling-pictures", limit=most, back=back))
        if seconds is not None:
            waiting = await self._jobs.open_anywhere(person_id)
            if used.seconds + await self._seconds_of(waiting) >= seconds:
                raise QuotaReached(say("error-ceiling-seconds", limit=seconds, back=back))

    def _is_limited(self, context: RequestContext) -> bool:
        """Tell whether the person has any daily limit."""
        origin = context.origin
        if origin.guild_id is None:
            return False
        rules = self._rules.hold(origin.guild_id)
        granted = self._allowances.of(origin.guild_id, origin.person_id, context.role_ids)
        day = origin.asked_at.astimezone(UTC).date()
        pictures = pictures_allowed(rules.pictures_per_day, granted, day)
        return pictures is not None or rules.seconds_per_day is not None

    async def _seconds_of(self, waiting: Iterable[Job]) -> float:
        """Estimate the device time of a person's waiting jobs."""
        pace = await self._jobs.seconds_per_cost(LATEST) or 0.0
        return sum(max(0.0, pace * job.cost() - job.device_seconds) for job in waiting)


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

"""How many jobs may wait: per person, per server, and in total."""

from bot.core.admission.admission import Limits, Wanted
from bot.core.admission.request_context import RequestContext
from bot.core.errors import QueueFull, QuotaReached
from bot.core.jobs.job_store import JobStore
from bot.texts import say


class WaitingRoom:
    """The limits on waiting jobs."""

    def __init__(self, jobs: JobStore, limits: Limits) -> None:
        self._jobs = jobs
        self._limits = limits

    async def check(self, context: RequestContext, wanted: Wanted) -> None:
        """Raise QuotaReached or QueueFull if this many more jobs do not fit.

        Never awaits, so its answer still holds when the job is recorded right after.
        """
        jobs, limits = wanted.jobs, self._limits
        waiting, everybodys = self._jobs.waiting_counts(context.origin.person_id)
        if waiting + jobs > limits.waiting_per_person:
            most = limits.waiting_per_person
            raise QuotaReached(say("error-waiting", waiting=waiting, asked=jobs, most=most))
        if everybodys + jobs > limits.waiting:
            raise QueueFull(say("error-queue-full", waiting=limits.waiting))
        theirs = self._jobs.waiting_in(context.origin.home)
        share = limits.waiting_per_server
        if share is None:  # however many servers there are, the next one always gets a place
            share = (limits.waiting - everybodys + theirs + 1) // 2
        if theirs + jobs > share:
            raise QueueFull(say("error-queue-share", waiting=theirs))

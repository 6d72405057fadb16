"""Which jobs somebody may see, end and remove; asked with Discord's present word at each click."""

from enum import Enum, auto

from bot.core.admission.channel_access import is_restricted
from bot.core.admission.request_context import Actor
from bot.core.erasing import NOBODY
from bot.core.errors import JobNotFound, JobRemoved, NotYours
from bot.core.jobs.job_store import JobStore
from bot.db.records import Job
from bot.texts import say


class Right(Enum):
    """What somebody may do with a job, from where they are: see it; end or remove it."""

    SEE = auto()
    END = auto()


class Visibility:
    """Every job, as far as one person may know of it."""

    def __init__(self, jobs: JobStore) -> None:
        self._jobs = jobs

    async def sees(self, job: Job, actor: Actor) -> bool:
        """Tell whether somebody may see a job from where they are, now.

        In a server these are its jobs that stand where they can read, and age-restricted ones from
        age-restricted places only. Other people's private ones are for its moderators, who need
        not read every channel. In direct messages they are the person's own, from everywhere,
        since private ones may go on there. One whose person had it erased is nobody's any more.
        """
        origin = job.origin
        if actor.guild_id is None or origin.person_id == actor.person_id:
            own = origin.person_id == actor.person_id
            return own and actor.guild_id in (None, origin.guild_id)
        if origin.guild_id != actor.guild_id or origin.person_id == NOBODY:
            return False
        if not actor.eyes.age_restricted and await is_restricted(job, actor.eyes):
            return False
        view = await actor.eyes.view(origin.channel_id)
        return actor.moderates or (view.reads and not origin.private)

    async def visible(self, job_id: int, actor: Actor) -> Job:
        """Return a job that somebody sees; raises JobNotFound, or JobRemoved."""
        return await self.check(await self._jobs.get(job_id), actor, Right.SEE)

    async def endable(self, job_id: int, actor: Actor) -> Job:
        """Return a job that somebody may end or remove, which it may be already.

        That is who made it, a moderator of its server, also where it is nobody's any more, and who
        manages messages in its very channel, of which a private one has none. Raises NotYours,
        or JobNotFound where they do not see it, either.
        """
        return await self.check(await self._jobs.get(job_id), actor, Right.END)

    async def check(self, job: Job | None, actor: Actor, right: Right) -> Job:
        """Return the job that somebody has a right to; raises as `visible` or `endable` does."""
        if right is Right.END and job is not None and await self._may_end(job, actor):
            return job
        if job is None or not await self.sees(job, actor):
            raise JobNotFound(say("error-job-unknown"))
        if right is Right.END:
            raise NotYours(say("error-not-yours"))
        if job.deleted_at is not None:
            raise JobRemoved
        return job

    async def in_server(self, job_id: int, guild_id: int) -> Job:
        """Return a job of a server, for its moderators; raises JobNotFound."""
        job = await self._jobs.get(job_id)
        if job is None or job.origin.guild_id != guild_id:
            raise JobNotFound(say("error-job-unknown"))
        return job

    async def known(self, job_id: int, actor: Actor) -> Job | None:
        """Return a job that somebody sees or may end, None where there is none such."""
        job = await self._jobs.get(job_id)
        if job is None or await self._may_end(job, actor) or await self.sees(job, actor):
            return job
        return None

    async def _may_end(self, job: Job, actor: Actor) -> bool:
        origin = job.origin
        if origin.person_id == actor.person_id:
            return actor.guild_id in (None, origin.guild_id)
        if actor.guild_id is None or actor.guild_id != origin.guild_id:
            return False
        if actor.moderates:
            return True
        return not origin.private and (await actor.eyes.view(origin.channel_id)).manages

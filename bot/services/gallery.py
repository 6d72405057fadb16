"""What people do with pictures that are there: look closer, keep them, throw them away."""

import logging

from bot.services.errors import NothingToDo
from bot.services.policy import Actor, Policy
from bot.store.jobs import JobStore
from bot.store.pictures import PictureStore
from bot.store.records import OPEN, Job

log = logging.getLogger(__name__)


class Gallery:
    """What the buttons under finished pictures call that makes no new job."""

    def __init__(self, *, policy: Policy, jobs: JobStore, pictures: PictureStore) -> None:
        self._policy = policy
        self._jobs = jobs
        self._pictures = pictures

    async def deletable(self, job_id: int, actor: Actor) -> Job:
        """Return a job that the actor may delete, deleted before or not; raises JobError."""
        job = await self._policy.visible(job_id, actor.guild_id, actor.person_id)
        self._policy.own_or_moderate(job, actor)
        if job.status in OPEN:
            raise NothingToDo("That job is on its way still. Cancel it, or wait for its end.")
        return job

    async def delete(self, job_id: int, actor: Actor) -> Job:
        """Delete a job's pictures; its row stays, for moderators. Return it: its message is left.

        Doing it twice changes nothing, so that who was interrupted can begin again.
        """
        job = await self.deletable(job_id, actor)
        await self._jobs.deleted(job.id)
        removed = await self._pictures.remove(job.id)
        log.info("job %d: deleted by %d, %d files removed", job.id, actor.person_id, removed)
        return job

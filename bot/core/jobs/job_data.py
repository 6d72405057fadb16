"""Personal data in jobs: their rows and picture files."""

from datetime import datetime
from typing import Any, ClassVar

from bot.core.erasing import expire_words, forget
from bot.core.errors import NothingToDo
from bot.core.jobs.job_store import JobStore
from bot.core.personal_data import Fate, PersonalData
from bot.core.pictures.picture_store import PictureStore
from bot.db.database import Database
from bot.db.records import OPEN, Job
from bot.options.describe import exported
from bot.texts import say


class JobData(PersonalData):
    """Rows keep settings and times, for their cost, but lose the person's name and prompts."""

    name = "jobs"
    texts: ClassVar = {
        "jobs": {
            "kind": Fate.STAYS,
            "status": Fate.STAYS,
            "interaction_token": Fate.SOON,
            "person_name": Fate.ERASED,
            "request": Fate.WORDS,
            "checkpoint": Fate.STAYS,
            "source_sha256": Fate.ERASED,  # its file goes with the pictures
            "cut": Fate.WORDS,
            "style": Fate.WORDS,
            "typed_prompt": Fate.WORDS,
            "typed_negative_prompt": Fate.WORDS,
            "folded_words": Fate.WORDS,
            "flagged": Fate.WORDS,
            "stripped": Fate.WORDS,
            "locale": Fate.STAYS,
            "error": Fate.WORDS,
        },
        "job_inputs": {"role": Fate.STAYS, "sha256": Fate.ERASED},
        "pictures": {"sha256": Fate.STAYS, "verdict": Fate.STAYS},
    }

    def __init__(self, database: Database, jobs: JobStore, pictures: PictureStore) -> None:
        self._database = database
        self._jobs = jobs
        self._pictures = pictures

    async def export(self, person_id: int) -> list[dict[str, Any]]:
        """Return every job of a person, in every server."""
        return [await self._describe(job) for job in await self._jobs.of_person(person_id)]

    async def erase(self, person_id: int, now: datetime) -> int:
        """Remove a person's pictures, and their name and prompts from their rows.

        Raises NothingToDo while a job of theirs is open.
        """
        jobs = await self._jobs.of_person(person_id)
        if any(job.status in OPEN for job in jobs):
            raise NothingToDo(say("error-jobs-open"))
        for job in jobs:
            await self._jobs.deleted(job.id)
            await self._pictures.erase(job)
        if jobs:  # what was asked for meanwhile keeps its person, who can erase it, too
            await forget(self._database, person_id, max(job.id for job in jobs), now)
        return len(jobs)

    async def expire_words(self, before: datetime, count: int) -> int:
        """Remove the prompts of at most this many older jobs; return how many."""
        return await expire_words(self._database, before, count)

    async def _describe(self, job: Job) -> dict[str, Any]:
        request = job.request
        return {
            "id": job.id,
            "kind": job.kind,
            "status": job.status,
            "asked_at": job.origin.asked_at.isoformat(),
            "name": job.origin.person_name,
            "server": job.origin.guild_id,
            "channel": job.origin.channel_id,
            "message": job.message_id,
            "private": job.origin.private,
            "age_restricted": job.origin.age_restricted,
            "typed": job.words.prompt,
            "left_out": job.left_out,
            "inputs": [one.role for one in job.inputs],
            **exported(job),
            "prompt": request.prompt,
            "negative_prompt": request.negative_prompt,
            "size": list(job.size),
            "seeds": [picture.seed for picture in await self._pictures.of_job(job.id)],
            "error": job.error,
            "device_seconds": job.device_seconds,
            "deleted": job.deleted_at is not None,
        }

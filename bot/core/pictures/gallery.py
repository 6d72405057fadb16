"""What people do with finished pictures: view details, mark favourites, delete."""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from bot.core.admission.channel_access import is_restricted
from bot.core.admission.request_context import Actor
from bot.core.admission.visibility import Right, Visibility
from bot.core.audit_store import NewAuditEntry
from bot.core.errors import CarriedOut, NothingToDo, PictureNotFound
from bot.core.jobs.job_store import JobStore
from bot.core.pictures.example_store import ExampleStore, Shown, Viewer
from bot.core.pictures.favourite_store import FavouriteStore
from bot.core.pictures.picture_store import PictureStore, first_of
from bot.db.records import OPEN, AuditAction, Job, Search, StoredPicture, Verdict
from bot.texts import say

log = logging.getLogger(__name__)

CHILDREN = 8
CHILDREN_LOOKED_AT = 200  # checked, to find that many visible ones among them


@dataclass(frozen=True, slots=True)
class Found:
    """A search result: a job and its first picture's thumbnail (WebP), if any.

    A ``hidden`` one is not shown to everybody.
    """

    job: Job
    thumbnail: bytes | None
    hidden: bool = False

    @property
    def id(self) -> int:
        """The job's number, by which results are paged."""
        return self.job.id


@dataclass(frozen=True, slots=True)
class Unseen:
    """A favourite that its person cannot see from here, or no longer: only its number."""

    id: int


@dataclass(frozen=True, slots=True)
class Details:
    """A job with its origin and its results.

    ``pictures`` have their PNG, or None where the viewer gets none: it is not kept, or it was
    refused and they do not moderate. ``children`` are at most one more than CHILDREN, which then
    means that there are more. Neither they nor the ``parent`` include jobs the viewer cannot see.
    ``favourite`` refers to the viewer.
    """

    job: Job
    parent: Job | None
    children: Sequence[Job]
    pictures: Sequence[tuple[StoredPicture, bytes | None]]
    favourite: bool


async def remove_files(
    jobs: JobStore, pictures: PictureStore, job: Job, actor: Actor, entry: NewAuditEntry | None
) -> None:
    """Record that a job was deleted, with a moderator's ``entry``, and delete its files."""
    await jobs.deleted(job.id, entry)
    removed = await pictures.remove(job.id)
    log.info("job %d: removed by %d, %d files", job.id, actor.person_id, removed)


class Gallery:
    """The service behind the buttons of finished pictures that make no new job."""

    def __init__(
        self,
        *,
        visibility: Visibility,
        jobs: JobStore,
        pictures: PictureStore,
        favourites: FavouriteStore,
        examples: ExampleStore,
    ) -> None:
        self._visibility = visibility
        self._jobs = jobs
        self._pictures = pictures
        self._favourites = favourites
        self._examples = examples

    async def job(self, job_id: int, actor: Actor) -> Job | None:
        """Return a job that the actor may see or delete; None if there is none."""
        return await self._visibility.known(job_id, actor)

    async def check(self, job: Job | None, actor: Actor, right: Right) -> Job:
        """Return the job if the actor may; raises JobNotFound, JobRemoved or NotYours."""
        return await self._visibility.check(job, actor, right)

    async def details(self, job_id: int, actor: Actor) -> Details:
        """Return everything about a job; raises JobNotFound."""
        job = await self._visibility.visible(job_id, actor)
        return Details(
            job=job,
            parent=await self._parent(job, actor),
            children=await self._children(job, actor),
            pictures=await self._load(job, held_back=actor.moderates),
            favourite=await self._favourites.has(person_id=actor.person_id, job_id=job.id),
        )

    async def originals(
        self, job_id: int, actor: Actor
    ) -> tuple[Job, Sequence[tuple[StoredPicture, bytes]]]:
        """Return a job with its stored and shown pictures; JobError if there are none.

        They are sent by direct message, so another person's age-restricted ones are left out.
        """
        job = await self._visibility.visible(job_id, actor)
        theirs = job.origin.person_id != actor.person_id
        if theirs and await is_restricted(job, actor.eyes):
            raise CarriedOut
        loaded = await self._load(job, held_back=False)
        kept = [(picture, png) for picture, png in loaded if png is not None]
        if not kept:
            raise PictureNotFound(say("error-pictures-not-stored"))
        return job, kept

    async def search(
        self, search: Search, actor: Actor, before: int | None, limit: int
    ) -> list[Found | Unseen]:
        """Return jobs before job ``before``, newest first, each with its first thumbnail."""
        jobs, first = await self._jobs.search_with(search, before, limit, first_of)
        seen = {job.id for job in jobs if await self._visibility.sees(job, actor)}
        return [
            Found(job, await self._thumbnail(first.get(job.id)))
            if job.id in seen
            else Unseen(job.id)
            for job in jobs
        ]

    async def examples(
        self, shown: Shown, names: Collection[str], viewer: Viewer
    ) -> dict[str, bytes]:
        """Return a thumbnail (WebP) for each of the names that has an example here."""
        found = await self._examples.latest(shown, names, viewer)
        read = {name: await self._pictures.read_thumbnail(one) for name, one in found.items()}
        return {name: thumbnail for name, thumbnail in read.items() if thumbnail is not None}

    async def favourite(self, job_id: int, actor: Actor) -> bool:
        """Toggle whether a job is the person's favourite; return whether it is now.

        Raises JobNotFound.
        """
        job = await self._visibility.visible(job_id, actor)
        return await self._favourites.toggle(person_id=actor.person_id, job_id=job.id)

    async def deletable(self, job_id: int, actor: Actor) -> Job:
        """Return a job that the actor may delete, already deleted or not; raises JobError."""
        job = await self._visibility.endable(job_id, actor)
        if job.status in OPEN:
            raise NothingToDo(say("error-job-open"))
        return job

    async def delete(self, job_id: int, actor: Actor) -> Job:
        """Delete a job's pictures and return the job; its message is left to the caller.

        The row stays, for moderators. A moderator's action on another person's job is
        recorded in the audit trail. Idempotent, so an interrupted deletion can be repeated.
        """
        job = await self.deletable(job_id, actor)
        entry = actor.audit_entry_on(job, AuditAction.REMOVE)
        await remove_files(self._jobs, self._pictures, job, actor, entry)
        return job

    async def _parent(self, job: Job, actor: Actor) -> Job | None:
        parent = None if job.parent_id is None else await self._jobs.get(job.parent_id)
        return parent if parent is not None and await self._visibility.sees(parent, actor) else None

    async def _children(self, job: Job, actor: Actor) -> Sequence[Job]:
        made = await self._jobs.children(job, CHILDREN_LOOKED_AT, person_id=actor.person_id)
        return [child for child in made if await self._visibility.sees(child, actor)][
            : CHILDREN + 1
        ]

    async def _thumbnail(self, picture: StoredPicture | None) -> bytes | None:
        if picture is None or picture.verdict is Verdict.REFUSED:
            return None
        return await self._pictures.read_thumbnail(picture)

    async def _load(self, job: Job, *, held_back: bool) -> list[tuple[StoredPicture, bytes | None]]:
        return [
            (picture, await self._pictures.read(picture))
            if held_back or picture.verdict is not Verdict.REFUSED
            else (picture, None)
            for picture in await self._pictures.of_job(job.id)
        ]

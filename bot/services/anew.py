"""Jobs made from earlier ones: rerolled, varied, enlarged, remixed, always of whoever asks."""

import asyncio
from typing import Protocol

from bot.services.errors import PictureNotFound
from bot.services.policy import Policy
from bot.services.remixing import Form, form_of, remix
from bot.services.requests import VARIATION_STRENGTH, reroll, single, variation
from bot.store.pictures import PictureStore
from bot.store.records import Job, Kind, Origin
from generation.catalog import Catalog
from generation.request import GenerationRequest
from generation.source_image import fit
from generation.upscaler import check_factor

NOT_STORED = "That picture is not stored any more. Reroll draws new ones."


class Record(Protocol):
    """What writes jobs down."""

    async def __call__(
        self,
        kind: Kind,
        request: GenerationRequest,
        origin: Origin,
        missing_permissions: tuple[str, ...],
        *,
        parent_id: int | None = None,
        parent_index: int | None = None,
        source_sha256: str | None = None,
        factor: int = 1,
    ) -> Job:
        """Write a job down where the house's rules allow it; raises JobError or StoreError."""


class Anew:
    """What the buttons under finished pictures call that makes a new job."""

    def __init__(
        self, *, catalog: Catalog, policy: Policy, pictures: PictureStore, record: Record
    ) -> None:
        self._catalog = catalog
        self._policy = policy
        self._pictures = pictures
        self._record = record

    async def reroll(
        self, job_id: int, origin: Origin, missing_permissions: tuple[str, ...] = ()
    ) -> Job:
        """Record the same wish with new seeds."""
        parent = await self._policy.visible(job_id, origin.guild_id, origin.person_id)
        request = reroll(parent.request)
        return await self._record(
            Kind.REROLL,
            request,
            origin,
            missing_permissions,
            parent_id=parent.id,
            source_sha256=parent.source_sha256,
        )

    async def variation(
        self,
        job_id: int,
        index: int,
        origin: Origin,
        missing_permissions: tuple[str, ...] = (),
        *,
        strength: float = VARIATION_STRENGTH,
    ) -> Job:
        """Record that one picture is to be varied, in the size that it was drawn in."""
        parent = await self._policy.visible(job_id, origin.guild_id, origin.person_id)
        stored = {picture.index: picture for picture in await self._pictures.of_job(parent.id)}
        picture = stored.get(index)
        if picture is None or await self._pictures.read(picture) is None:
            raise PictureNotFound(NOT_STORED)
        source_sha256 = picture.sha256
        if (picture.width, picture.height) != _size(parent.request):
            await self._may_ask(origin, missing_permissions)
            source_sha256 = await self._fitted(picture.sha256, parent.request)
        return await self._record(
            Kind.VARIATION,
            variation(parent.request, strength),
            origin,
            missing_permissions,
            parent_id=parent.id,
            parent_index=index,
            source_sha256=source_sha256,
        )

    async def upscale(
        self, job_id: int, index: int, origin: Origin, missing_permissions: tuple[str, ...] = ()
    ) -> Job:
        """Record that one picture is wanted twice as large.

        Raises InvalidRequest where it would be too large.
        """
        parent = await self._policy.visible(job_id, origin.guild_id, origin.person_id)
        if not 0 <= index < parent.request.num_images:
            raise PictureNotFound(f"That job has {parent.request.num_images} pictures.")
        factor = 2 * parent.factor
        check_factor(parent.request.width, parent.request.height, factor)
        return await self._record(
            Kind.UPSCALE,
            single(parent.request, index),
            origin,
            missing_permissions,
            parent_id=parent.id,
            parent_index=index,
            source_sha256=parent.source_sha256,
            factor=factor,
        )

    async def form(
        self, job_id: int, origin: Origin, missing_permissions: tuple[str, ...] = ()
    ) -> Form:
        """Return what a remix of this job starts from; raises the JobError that forbids one."""
        parent = await self._policy.visible(job_id, origin.guild_id, origin.person_id)
        await self._may_ask(origin, missing_permissions)
        return form_of(parent.request)

    async def remix(
        self, job_id: int, form: Form, origin: Origin, missing_permissions: tuple[str, ...] = ()
    ) -> Job:
        """Record a job with what was changed; raises as `remixing.remix` does, too."""
        parent = await self._policy.visible(job_id, origin.guild_id, origin.person_id)
        request = remix(self._catalog, parent.request, form)
        source_sha256 = parent.source_sha256
        if source_sha256 is not None and _size(request) != _size(parent.request):
            await self._may_ask(origin, missing_permissions)
            source_sha256 = await self._fitted(source_sha256, request)
        return await self._record(
            Kind.REMIX,
            request,
            origin,
            missing_permissions,
            parent_id=parent.id,
            source_sha256=source_sha256,
        )

    async def _may_ask(self, origin: Origin, missing_permissions: tuple[str, ...]) -> None:
        """Ask before any work is done what is asked once more when the job is recorded."""
        await self._policy.admit(
            person_id=origin.person_id, missing_permissions=missing_permissions
        )

    async def _fitted(self, sha256: str, request: GenerationRequest) -> str:
        """Store a picture of ours once more, in the size that a request starts from."""
        png = await self._pictures.read_source(sha256)
        if png is None:
            raise PictureNotFound(NOT_STORED)
        fitting = await asyncio.to_thread(fit, png, request.width, request.height)
        return await self._pictures.save_source(fitting)


def _size(request: GenerationRequest) -> tuple[int, int]:
    return request.width, request.height

"""Jobs derived from earlier ones: rerolls, variations, upscales, remixes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from bot.core.admission.admission import Admission, Wanted
from bot.core.admission.offered import in_place
from bot.core.admission.place_rules import PlaceRules
from bot.core.admission.request_context import RequestContext
from bot.core.admission.visibility import Visibility
from bot.core.decoding import Decoder
from bot.core.default_store import DefaultsStore
from bot.core.erasing import ERASED
from bot.core.errors import NothingToDo, PictureNotFound, WordsNotKept
from bot.core.jobs.derived.remixing import form_of, remix
from bot.core.new_jobs import DEFAULT_COUNT, VARIATION_STRENGTH, reroll, single, variation
from bot.core.pictures.picture_store import PictureStore
from bot.core.pictures.steering import Fetch as Fetch
from bot.core.pictures.steering import FetchInputs as FetchInputs
from bot.core.pictures.steering import inherited, refitted
from bot.db.records import Job, Kind, NewJob, StoredPicture, Verdict
from bot.options.resolve import Layers
from bot.texts import say
from generation.catalog import Catalog
from generation.editing.sides import nearest
from generation.errors import InvalidRequest
from generation.request import GenerationRequest
from generation.upscaler import check_factor


class Record(Protocol):
    """Records jobs."""

    async def __call__(
        self,
        new_job: NewJob,
        context: RequestContext,
        source: Fetch | None = None,
        told: Sequence[str] = (),
        inputs: FetchInputs = (),
        files: Sequence[Fetch | None] = (),
    ) -> Job:
        """Record a job if the rules allow it; raises JobError or StoreError.

        ``source`` makes the PNG that the job starts from, and ``inputs`` what else it needs, if
        they are not stored yet, once nothing forbids the job. What they leave out of a person's
        file they add to what is ``told``. ``files`` that they need are fetched before, all at once;
        each remembers what it fetched.
        """


class DerivedJobs:
    """The service behind the buttons that make a new job from finished pictures."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        rules: PlaceRules,
        visibility: Visibility,
        admission: Admission,
        pictures: PictureStore,
        defaults: DefaultsStore,
        decoder: Decoder,
        record: Record,
    ) -> None:
        self._catalog = catalog
        self._rules = rules
        self._visibility = visibility
        self._admission = admission
        self._pictures = pictures
        self._defaults = defaults
        self._decoder = decoder
        self._record = record

    async def reroll(self, job_id: int, context: RequestContext) -> Job:
        """Record the same request with new seeds."""
        parent, context = await self._drawn(job_id, context)
        new_job = NewJob(
            kind=Kind.REROLL,
            request=reroll(parent.request),
            parent_id=parent.id,
            source_sha256=parent.source_sha256,
            inputs=parent.inputs,
            style=parent.style,
            typed=parent.typed,
            left_out=parent.left_out,
        )
        return await self._record(new_job, context)

    async def variation(
        self,
        job_id: int,
        index: int,
        context: RequestContext,
        *,
        strength: float = VARIATION_STRENGTH,
    ) -> Job:
        """Record a variation of one picture, in the size it was generated in."""
        parent, context = await self._drawn(job_id, context)
        picture = await self._stored(parent, index)
        if picture is None:
            raise PictureNotFound(say("error-picture-not-stored"))
        request = variation(parent.request, strength, self._variations(context))
        request = replace(request, feather=None)  # all of it is drawn over
        new_job = NewJob(
            kind=Kind.VARIATION,
            request=request,
            parent_id=parent.id,
            parent_index=index,
            source_sha256=picture.sha256,
            inputs=tuple(inherited(parent.inputs, request)),
            style=parent.style,
            typed=parent.typed,
            left_out=parent.left_out,
        )
        fits = (picture.width, picture.height) == _size(parent.request)
        source = None if fits else self._fitted(picture.sha256, parent.request)
        return await self._record(new_job, context, source)

    async def upscale(self, job_id: int, index: int, context: RequestContext) -> Job:
        """Record an upscale of one picture to twice its size.

        Raises InvalidRequest if the result would be too large.
        """
        parent, context = await self._parent(job_id, context)
        stored = await self._stored(parent, index)
        if not 0 <= index < parent.request.num_images:
            raise PictureNotFound(say("error-picture-count", count=parent.request.num_images))
        if parent.words.prompt == ERASED and stored is None:
            raise WordsNotKept  # which generating it again would need
        factor = 2 * parent.factor
        check_factor(*parent.request.result_size, factor)
        new_job = NewJob(
            kind=Kind.UPSCALE,
            request=single(parent.request, index),
            parent_id=parent.id,
            parent_index=index,
            source_sha256=parent.source_sha256,
            inputs=parent.inputs,
            factor=factor,
            style=parent.style,
            typed=parent.typed,
        )
        return await self._record(new_job, context)

    async def form(self, job_id: int, context: RequestContext) -> dict[str, str]:
        """Return the values that fill a remix form; raises the JobError that forbids a remix."""
        parent, context = await self._drawn(job_id, context)
        await self._admission.admit(context, Wanted(parent.words.prompt))
        return form_of(self._catalog, parent)

    async def remix(self, job_id: int, form: Mapping[str, str], context: RequestContext) -> Job:
        """Record a job with the changes; also raises as `remixing.remix` does."""
        parent, context = await self._drawn(job_id, context)
        new_job = await self._remixed(parent, form, context)
        request = _masked_alike(new_job.request, parent.request)
        kept = tuple(inherited(parent.inputs, request))
        inputs: FetchInputs = ()
        source = None
        if _size(request) != _size(parent.request):
            if parent.source_sha256 is not None:
                source = self._fitted(parent.source_sha256, request)
            kept, inputs = refitted(kept, request, self._decoder, self._pictures)
        new_job = replace(
            new_job,
            request=request,
            parent_id=parent.id,
            source_sha256=parent.source_sha256,
            inputs=kept,
        )
        return await self._record(new_job, context, source, inputs=inputs)

    async def _remixed(
        self,
        parent: Job,
        form: Mapping[str, str],
        context: RequestContext,
        changes: Mapping[str, Any] | None = None,
    ) -> NewJob:
        """Return the job of a form, with changes of what it does not ask for."""
        here = in_place(
            self._catalog, age_restricted=context.age_restricted, role_ids=context.role_ids
        )
        mine = await self._defaults.get(context.origin.person_id)
        rules = self._rules.holding(context)
        layers = Layers(mine, rules.options, rules.most)
        return remix(here, parent, form, layers, changes or {})

    async def _drawn(self, job_id: int, context: RequestContext) -> tuple[Job, RequestContext]:
        """Return a generated job whose prompts are kept, and the requester; raises JobError."""
        parent, context = await self._parent(job_id, context)
        if parent.uploaded:
            raise NothingToDo(say("error-no-words"))
        if parent.words.prompt == ERASED:
            raise WordsNotKept
        return parent, context

    def _variations(self, context: RequestContext) -> int:
        return min(DEFAULT_COUNT, self._rules.holding(context).max_count or DEFAULT_COUNT)

    async def _parent(self, job_id: int, context: RequestContext) -> tuple[Job, RequestContext]:
        """Return the job to start from and the requester.

        Jobs made from a private job are private.
        """
        parent = await self._visibility.visible(job_id, context.actor)
        return parent, context.in_private() if parent.origin.private else context

    async def _stored(self, parent: Job, index: int) -> StoredPicture | None:
        """Return a picture of a job, or None if its file is not kept.

        Raises PictureNotFound if it was refused.
        """
        for picture in await self._pictures.of_job(parent.id):
            if picture.index == index and picture.verdict is Verdict.REFUSED:
                raise PictureNotFound(say("error-held-back"))
            if picture.index == index and await self._pictures.read(picture) is not None:
                return picture
        return None

    def _fitted(self, sha256: str, request: GenerationRequest) -> Fetch:
        """Return a function that loads a stored picture in the size that a request starts from."""

        async def fit() -> bytes:
            png = await self._pictures.read_source(sha256)
            if png is None:
                raise PictureNotFound(say("error-picture-not-stored"))
            return await self._decoder.fit(png, request.width, request.height)

        return fit


def _masked_alike(request: GenerationRequest, earlier: GenerationRequest) -> GenerationRequest:
    """Return a request that draws over the same part of the same picture, if the earlier did."""
    if earlier.feather is None:
        return request
    if request.checkpoint == earlier.checkpoint and _size(request) != _size(earlier):
        raise InvalidRequest("aspect", say("bound-shape-masked"))
    width, height = (nearest(side, request.architecture) for side in _size(earlier))
    hires = earlier.hires and request.hires  # a default one is for whole pictures
    return replace(request, width=width, height=height, hires=hires, feather=earlier.feather)


def _size(request: GenerationRequest) -> tuple[int, int]:
    return request.width, request.height

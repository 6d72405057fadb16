"""Jobs made from earlier ones: rerolled, varied, enlarged, remixed, always of whoever asks."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Protocol

from bot.core.admission.admission import Admission, Wanted
from bot.core.admission.offered import in_place
from bot.core.admission.place_rules import PlaceRules
from bot.core.admission.request_context import Asked
from bot.core.admission.visibility import Visibility
from bot.core.decoding import Decoder
from bot.core.default_store import DefaultsStore
from bot.core.errors import NothingToDo, PictureNotFound, WordsNotKept
from bot.core.jobs.job_store import ERASED
from bot.core.jobs.remixing import form_of, remix
from bot.core.new_jobs import DEFAULT_COUNT, VARIATION_STRENGTH, reroll, single, variation
from bot.core.pictures.picture_store import PictureStore
from bot.db.records import Draft, Job, Kind, StoredPicture, Verdict
from bot.options.resolve import Layers
from bot.texts import say
from generation.catalog import Catalog
from generation.request import GenerationRequest
from generation.upscaler import check_factor

# Brings a file when it is needed.
Fetch = Callable[[], Awaitable[bytes]]


class Record(Protocol):
    """What writes jobs down."""

    async def __call__(self, draft: Draft, asked: Asked, source: Fetch | None = None) -> Job:
        """Write a job down where the house's rules allow it; raises JobError or StoreError.

        ``source`` makes the PNG that it starts from, where that is not stored yet.
        """


class Anew:
    """What the buttons under finished pictures call that makes a new job."""

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

    async def reroll(self, job_id: int, asked: Asked) -> Job:
        """Record the same wish with new seeds."""
        parent, asked = await self._drawn(job_id, asked)
        draft = Draft(
            kind=Kind.REROLL,
            request=reroll(parent.request),
            parent_id=parent.id,
            source_sha256=parent.source_sha256,
            style=parent.style,
            typed=parent.typed,
        )
        return await self._record(draft, asked)

    async def variation(
        self,
        job_id: int,
        index: int,
        asked: Asked,
        *,
        strength: float = VARIATION_STRENGTH,
    ) -> Job:
        """Record that one picture is to be varied, in the size that it was drawn in."""
        parent, asked = await self._drawn(job_id, asked)
        picture = await self._stored(parent, index)
        if picture is None:
            raise PictureNotFound(say("error-picture-not-stored"))
        draft = Draft(
            kind=Kind.VARIATION,
            request=variation(parent.request, strength, self._variations(asked)),
            parent_id=parent.id,
            parent_index=index,
            source_sha256=picture.sha256,
            style=parent.style,
            typed=parent.typed,
        )
        fits = (picture.width, picture.height) == _size(parent.request)
        source = None if fits else self._fitted(picture.sha256, parent.request)
        return await self._record(draft, asked, source)

    async def upscale(self, job_id: int, index: int, asked: Asked) -> Job:
        """Record that one picture is wanted twice as large.

        Raises InvalidRequest where it would be too large.
        """
        parent, asked = await self._parent(job_id, asked)
        stored = await self._stored(parent, index)
        if not 0 <= index < parent.request.num_images:
            raise PictureNotFound(say("error-picture-count", count=parent.request.num_images))
        if parent.words.prompt == ERASED and stored is None:
            raise WordsNotKept  # which would draw it again
        factor = 2 * parent.factor
        check_factor(parent.request.width, parent.request.height, factor)
        draft = Draft(
            kind=Kind.UPSCALE,
            request=single(parent.request, index),
            parent_id=parent.id,
            parent_index=index,
            source_sha256=parent.source_sha256,
            factor=factor,
            style=parent.style,
            typed=parent.typed,
        )
        return await self._record(draft, asked)

    async def form(self, job_id: int, asked: Asked) -> dict[str, str]:
        """Return what a remix of this job starts from; raises the JobError that forbids one."""
        parent, asked = await self._drawn(job_id, asked)
        await self._admission.admit(asked, Wanted(parent.words.prompt))
        return form_of(self._catalog, parent)

    async def remix(self, job_id: int, form: Mapping[str, str], asked: Asked) -> Job:
        """Record a job with what was changed; raises as `remixing.remix` does, too."""
        parent, asked = await self._drawn(job_id, asked)
        here = in_place(self._catalog, age_restricted=asked.age_restricted)
        mine = await self._defaults.get(asked.origin.person_id)
        rules = self._rules.holding(asked)
        draft = remix(here, parent, form, Layers(mine, rules.options, rules.most))
        draft = replace(draft, parent_id=parent.id, source_sha256=parent.source_sha256)
        source = None
        if parent.source_sha256 is not None and draft.size != _size(parent.request):
            source = self._fitted(parent.source_sha256, draft.request)
        return await self._record(draft, asked, source)

    async def _drawn(self, job_id: int, asked: Asked) -> tuple[Job, Asked]:
        """Return a job drawn from words that are kept, and who asks; raises JobError."""
        parent, asked = await self._parent(job_id, asked)
        if parent.uploaded:
            raise NothingToDo(say("error-no-words"))
        if parent.words.prompt == ERASED:
            raise WordsNotKept
        return parent, asked

    def _variations(self, asked: Asked) -> int:
        return min(DEFAULT_COUNT, self._rules.holding(asked).max_count or DEFAULT_COUNT)

    async def _parent(self, job_id: int, asked: Asked) -> tuple[Job, Asked]:
        """Return the job to start from, and who asks: what comes of a private one is private."""
        parent = await self._visibility.visible(job_id, asked.actor)
        return parent, asked.in_private() if parent.origin.private else asked

    async def _stored(self, parent: Job, index: int) -> StoredPicture | None:
        """Return a picture of a job, or None where its file is not kept.

        Raises PictureNotFound where it was held back.
        """
        for picture in await self._pictures.of_job(parent.id):
            if picture.index == index and picture.verdict is Verdict.REFUSED:
                raise PictureNotFound(say("error-held-back"))
            if picture.index == index and await self._pictures.read(picture) is not None:
                return picture
        return None

    def _fitted(self, sha256: str, request: GenerationRequest) -> Fetch:
        """Return what makes a picture of ours once more, in the size that a request starts from."""

        async def fit() -> bytes:
            png = await self._pictures.read_source(sha256)
            if png is None:
                raise PictureNotFound(say("error-picture-not-stored"))
            return await self._decoder.fit(png, request.width, request.height)

        return fit


def _size(request: GenerationRequest) -> tuple[int, int]:
    return request.width, request.height

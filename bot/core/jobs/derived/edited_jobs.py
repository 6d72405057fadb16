"""Jobs that draw over a part of a picture, around one, or over all of it in a larger size."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from bot.core.admission.admission import Wanted
from bot.core.admission.offered import in_place
from bot.core.admission.request_context import RequestContext
from bot.core.errors import PictureNotFound
from bot.core.jobs.derived.derived_jobs import DerivedJobs, Fetch
from bot.core.jobs.derived.remixing import form_of
from bot.core.new_jobs import single, with_references
from bot.core.pictures.steering import fetch_all, inputs_of, once
from bot.db.records import Input, InputRole, Job, Kind, NewJob, StoredPicture, Verdict
from bot.options.image_options import ImageOptions
from bot.options.values import new_seed
from bot.texts import say
from generation.architectures import Architecture
from generation.editing.framing import Framing
from generation.editing.sides import Sides, multiple_of, nearest
from generation.errors import InvalidRequest
from generation.hires import HIRES_STRENGTH, second_pass
from generation.request import FEATHER, SIDE, GenerationRequest

REGION_FEATHER = 16  # px, of a mask that nobody said more of
SEAM_FEATHER = 32  # px, where the room around a picture begins
HIRES_SCALE = 2.0
NO_HIRES = 1.0
# A person's picture is drawn in its own size from half to one and a half times a checkpoint's side.
AS_IT_IS = (0.5, 1.5)

Size = tuple[int, int]
# A mask of this width and height, as a PNG; blocks for some milliseconds.
MakeMask = Callable[[int, int], bytes]
# Finds the mask of a picture of this width and height, both PNGs; raises JobError.
FindMask = Callable[[bytes, int, int], Awaitable[bytes]]
# What is drawn around a picture of this width and height.
Frame = Callable[[int, int], Framing]


class EditedJobs(DerivedJobs):
    """The service behind the buttons and commands that edit a picture."""

    async def picture(self, job_id: int, index: int, context: RequestContext) -> StoredPicture:
        """Return a picture to edit; raises JobError."""
        parent, _ = await self._drawn(job_id, context)
        return await self._own(parent, index)

    async def read(self, picture: StoredPicture) -> bytes:
        """Return a picture's file; raises PictureNotFound."""
        png = await self._pictures.read_source(picture.sha256)
        if png is None:
            raise PictureNotFound(say("error-picture-not-stored"))
        return png

    async def inpaint(
        self,
        job_id: int,
        index: int,
        context: RequestContext,
        *,
        mask: MakeMask,
        feather: int,
        form: Mapping[str, str],
        strength: float = 1.0,
    ) -> Job:
        """Record a job that draws over the white part of one picture's mask.

        The form is a remix's, as far as it was asked for; raises as `remix` does.
        """
        parent, context = await self._drawn(job_id, context)
        picture = await self._original(parent, index)
        size = parent.request.result_size
        new_job = await self._edited(parent, index, context, Kind.INPAINT, form)
        request = _sized(new_job.request, size, strength=strength, feather=feather)
        fits = (picture.width, picture.height) == size
        new_job = replace(new_job, request=request, source_sha256=picture.sha256 if fits else None)

        async def make() -> bytes:
            return await asyncio.to_thread(mask, *size)

        source = None if fits else self._fitted(picture.sha256, request)
        return await self._record(new_job, context, source, inputs=((InputRole.MASK, make),))

    async def outpaint(
        self,
        job_id: int,
        index: int,
        context: RequestContext,
        *,
        frame: Frame,
        form: Mapping[str, str] | None = None,
    ) -> Job:
        """Record a job that draws around one picture; without a form by the same prompt."""
        parent, context = await self._drawn(job_id, context)
        picture = await self._original(parent, index)
        size = parent.request.result_size
        framing = frame(*size)
        new_job = await self._edited(parent, index, context, Kind.OUTPAINT, form)
        new_job = _around(new_job, framing, size)

        fetch = partial(self.read, picture)
        return await self._record_around(new_job, context, framing, size, fetch)

    async def hires(self, job_id: int, index: int, context: RequestContext) -> Job:
        """Record one picture again, up to twice as large, with a second pass over it.

        Where its own request can have none, it starts from the picture as it is.
        """
        parent, context = await self._drawn(job_id, context)
        request = single(parent.request, index)
        again = parent.kind is not Kind.UPSCALE and request.feather is None
        new_job = replace(_child(parent, index, Kind.HIRES), request=request)
        if again and request.hires is None:
            scale = min(HIRES_SCALE, _floored(SIDE[1] / max(request.width, request.height)))
            hires = second_pass(scale, request.num_inference_steps)
            new_job = replace(
                new_job,
                request=replace(request, hires=hires),
                source_sha256=parent.source_sha256,
                inputs=parent.inputs,
            )
            return await self._record(new_job, context)
        picture = await self._own(parent, index)
        size = _larger(parent, picture)
        strength = max(HIRES_STRENGTH, _least_strength(request))
        request = _sized(request, size, strength=strength, feather=None, hires=None)
        new_job = replace(new_job, request=request)
        return await self._record(new_job, context, self._fitted(picture.sha256, request))

    async def inpaint_file(
        self,
        said: ImageOptions,
        context: RequestContext,
        *,
        image: Fetch,
        mask: Fetch | None = None,
        find: FindMask | None = None,
        feather: int | None = None,
        control: Fetch | None = None,
        reference: Fetch | None = None,
    ) -> Job:
        """Record a job that draws over a part of a person's file; raises as `imagine` does.

        That is the light one of the ``mask``, or what ``find`` finds, else what the file has
        transparent. ``control`` and ``reference`` are as in `imagine`.
        """
        image = once(image)
        mask, control, reference = others = [
            one and once(one) for one in (mask, control, reference)
        ]
        likes = [] if reference is None else [reference]
        new_job, own, size = await self._of_file(
            said, context, Kind.INPAINT, image, others, len(likes)
        )
        if new_job.request.controls and control is None:
            control = image
        feather = _feather(REGION_FEATHER, size) if feather is None else feather
        new_job = replace(new_job, request=_sized(new_job.request, size, feather=feather))
        told: list[str] = []
        drawn: list[bytes] = []

        async def source() -> bytes:
            png, clear = await self._decoder.prepare(await image(), *size)
            if clear and (mask or find) is not None:
                told.append(say("left-out-transparency"))
            drawn.append(png)
            return png

        async def masked() -> bytes:  # comes after the source
            if find is not None:
                return await find(drawn[0], *size)
            if mask is None:
                erased = await self._decoder.erased(await image(), *size)
                if erased is None:
                    raise InvalidRequest("mask", say("bound-mask-given"))
                return erased
            png, theirs = await self._decoder.mask(await mask(), *size)
            if theirs != own:
                fields = {"was": "×".join(map(str, theirs)), "now": "×".join(map(str, own))}
                told.append(say("left-out-mask-size", **fields))
            return png

        steered = inputs_of(new_job, self._decoder, control, likes)
        inputs = ((InputRole.MASK, masked), *steered)
        return await self._record(new_job, context, source, told, inputs)

    async def outpaint_file(
        self,
        said: ImageOptions,
        context: RequestContext,
        *,
        image: Fetch,
        zoom: float | None,
        sides: Sides,
    ) -> Job:
        """Record a job that draws around a person's file; ``sides`` are in its own pixels."""
        image = once(image)
        new_job, own, size = await self._of_file(said, context, Kind.OUTPAINT, image)
        inputs_of(new_job, self._decoder, None, ())  # there are none
        if any(sides):
            scales = [new / old for new, old in zip(size, own, strict=True)]
            sides = Sides(*(round(side * scales[at % 2]) for at, side in enumerate(sides)))
        framing = Framing(sides, zoom)
        new_job = _around(new_job, framing, size)

        async def fetch() -> bytes:
            return (await self._decoder.prepare(await image(), *size))[0]

        return await self._record_around(new_job, context, framing, size, fetch)

    async def _of_file(
        self,
        said: ImageOptions,
        context: RequestContext,
        kind: Kind,
        image: Fetch,
        others: Sequence[Fetch | None] = (),
        references: int = 0,
    ) -> tuple[NewJob, Size, Size]:
        """Return a job of these options, a file's size, and the size that it is drawn in.

        It has so many references. The ``others`` are fetched at the same time.
        """
        await self._admission.admit(context, Wanted(said.prompt))  # before the work
        here = in_place(
            self._catalog, age_restricted=context.age_restricted, role_ids=context.role_ids
        )
        said = said.over({"strength": 1.0})
        new_job = with_references(here, kind, said, [None] * references)
        await fetch_all(image, *others)
        own = await self._decoder.check(await image())
        request = new_job.request
        return new_job, own, _drawn_size(own, here[request.checkpoint].size, request)

    async def _record_around(
        self,
        new_job: NewJob,
        context: RequestContext,
        framing: Framing,
        size: Size,
        fetch: Fetch,
    ) -> Job:
        laid: list[bytes] = []

        async def source() -> bytes:
            family = new_job.request.family
            canvas, mask = await self._decoder.lay(await fetch(), *size, family, framing)
            laid.append(mask)
            return canvas

        async def mask() -> bytes:  # comes after the source
            return laid[0]

        return await self._record(new_job, context, source, inputs=((InputRole.MASK, mask),))

    async def _edited(
        self,
        parent: Job,
        index: int,
        context: RequestContext,
        kind: Kind,
        form: Mapping[str, str] | None,
    ) -> NewJob:
        """Return a job like a picture's, with new seeds, and with a form's changes."""
        new_job, count = _child(parent, index, kind), self._variations(context)
        if form is None:
            request = replace(parent.request, seed=new_seed(), num_images=count, hires=None)
            return replace(new_job, request=request)
        filled = {**form_of(self._catalog, parent), "seed": "", **form}
        # Nobody's default second pass is meant: what is typed comes over this.
        changes = {"count": count, "strength": 1.0, "hires": NO_HIRES}
        made = await self._remixed(parent, filled, context, changes)
        steered = parent.request
        request = replace(
            made.request,
            hires=typed if (typed := made.request.hires) and typed.scale > NO_HIRES else None,
            controls=steered.controls if kind is Kind.INPAINT else (),
            references=steered.references,
        )
        return replace(
            made,
            kind=kind,
            request=request,
            parent_id=parent.id,
            parent_index=index,
            inputs=new_job.inputs,
        )

    async def _own(self, parent: Job, index: int) -> StoredPicture:
        picture = await self._stored(parent, index)
        if picture is None:
            raise PictureNotFound(say("error-picture-not-stored"))
        return picture

    async def _original(self, parent: Job, index: int) -> StoredPicture:
        """Return a picture, of an upscaled one what it was made of, where that is kept."""
        picture = await self._own(parent, index)
        if parent.kind is Kind.UPSCALE and parent.parent_id is not None:
            for one in await self._pictures.of_job(parent.parent_id):
                same = (one.index, one.width, one.height) == (
                    parent.parent_index,
                    *parent.request.result_size,
                )
                shown = one.verdict is not Verdict.REFUSED
                if same and shown and await self._pictures.has(one):
                    return one
        return picture


def _child(parent: Job, index: int, kind: Kind) -> NewJob:
    """Return a job like one picture's, without its mask; a canvas has none of its controls."""
    roles = {InputRole.REFERENCE} if kind is Kind.OUTPAINT else set(InputRole) - {InputRole.MASK}
    inputs: tuple[Input, ...] = tuple(one for one in parent.inputs if one.role in roles)
    controls = parent.request.controls if InputRole.CONTROL in roles else ()
    return NewJob(
        kind=kind,
        request=replace(parent.request, controls=controls),
        parent_id=parent.id,
        parent_index=index,
        inputs=inputs,
        style=parent.style,
        typed=parent.typed,
        left_out=parent.left_out,
    )


def _around(new_job: NewJob, framing: Framing, size: Size) -> NewJob:
    """Return a job that draws around a picture of this size; raises InvalidRequest."""
    request = new_job.request
    canvas = framing.size(*size, request.architecture)
    feather = _feather(SEAM_FEATHER, size)
    return replace(new_job, request=_sized(request, canvas, strength=1.0, feather=feather))


def _sized(request: GenerationRequest, size: Size, **changes: Any) -> GenerationRequest:  # noqa: ANN401
    width, height = size
    return replace(request, width=width, height=height, **changes)


def _feather(usual: int, size: Size) -> int:
    """Return how wide the soft edge of a mask is, narrower in a small picture."""
    return min(usual, min(size) // 16, FEATHER[1])


def _least_strength(request: GenerationRequest) -> float:
    return math.ceil(100 / request.num_inference_steps) / 100


def _floored(scale: float) -> float:
    return math.floor(100 * scale) / 100


def _larger(parent: Job, picture: StoredPicture) -> Size:
    """Return the size of a picture's second pass: an upscaled one's own, else twice its size."""
    factor = 1.0 if parent.kind is Kind.UPSCALE else HIRES_SCALE
    factor = min(factor, SIDE[1] / max(picture.width, picture.height))
    multiple = multiple_of(parent.request.architecture)
    width, height = (
        multiple * max(1, int(factor * side) // multiple)
        for side in (picture.width, picture.height)
    )
    return width, height


def _drawn_size(own: Size, side: int, request: GenerationRequest) -> Size:
    """Return the size that a person's picture is drawn in by a checkpoint with this side, px."""
    architecture: Architecture = request.architecture
    middle = math.sqrt(own[0] * own[1])
    as_it_is = AS_IT_IS[0] * side <= middle <= AS_IT_IS[1] * side
    scale = 1.0 if as_it_is else side / middle
    width, height = (nearest(round(one * scale), architecture) for one in own)
    return width, height

"""The pictures that steer a job: fetched, decoded and cut to size, to be kept with it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence

from bot.core.decoding import Decoder
from bot.core.pictures.picture_store import PictureStore
from bot.db.records import Input, InputRole, NewJob
from bot.texts import say
from generation.controls import ReferenceKind
from generation.errors import InvalidRequest
from generation.request import GenerationRequest

# Fetches a file when it is needed.
Fetch = Callable[[], Awaitable[bytes]]
# And a picture that others are to be like, in its kind, else as the options say.
FetchReference = tuple[ReferenceKind | None, Fetch]
# What a job needs besides the picture it starts from, each with its role.
FetchInputs = Sequence[tuple[InputRole, Fetch]]

# A reference is seen in a square of its middle, of at most 336 px.
REFERENCE_SIDE = 512


def once(fetch: Fetch) -> Fetch:
    """Return a function that fetches a file once, and keeps it for the next time."""
    kept: list[bytes] = []
    turn = asyncio.Lock()

    async def fetch_once() -> bytes:
        async with turn:
            if not kept:
                kept.append(await fetch())
        return kept[0]

    return fetch_once


async def fetch_all(*files: Fetch | None) -> None:
    """Fetch files at once that were given to `once`; raises what the first raises that fails."""
    tasks = [asyncio.ensure_future(fetch()) for fetch in files if fetch is not None]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def inputs_of(
    new_job: NewJob, decoder: Decoder, control: Fetch | None, references: Sequence[Fetch]
) -> FetchInputs:
    """Return what makes the pictures that a job is steered by, of a person's files.

    All of its controls read the same one. Raises InvalidRequest if one of them is missing, or is
    there in vain.
    """
    request = new_job.request
    if control is not None and not request.controls:
        raise InvalidRequest("control", say("bound-control-needed"))
    if request.controls and control is None:
        raise InvalidRequest("control_image", say("bound-control-image-needed"))
    if len(references) < len(request.references):
        raise InvalidRequest("reference", say("bound-reference-needed"))
    found: list[tuple[InputRole, Fetch]] = []
    if control is not None:
        size = request.width, request.height
        prepared = once(_prepared(decoder, control, "control_image", size))
        found += [(InputRole.CONTROL, prepared)] * len(request.controls)
    size = REFERENCE_SIDE, REFERENCE_SIDE
    for reference in references:
        found.append((InputRole.REFERENCE, _prepared(decoder, reference, "reference", size)))
    return found


def inherited(inputs: Sequence[Input], request: GenerationRequest) -> Iterator[Input]:
    """Yield those of an earlier job's inputs that a request needs, too.

    Raises InvalidRequest if one is missing.
    """
    if request.feather is not None:
        yield from (one for one in inputs if one.role is InputRole.MASK)
    for role, uses, field in (
        (InputRole.CONTROL, request.controls, "control_image"),
        (InputRole.REFERENCE, request.references, "reference"),
    ):
        mine = [one for one in inputs if one.role is role]
        if len(mine) < len(uses):
            raise InvalidRequest(field, say("bound-control-image-needed"))
        yield from mine[: len(uses)]


def refitted(
    inputs: Sequence[Input], request: GenerationRequest, decoder: Decoder, pictures: PictureStore
) -> tuple[tuple[Input, ...], FetchInputs]:
    """Return the inputs that stay as they are, and what makes control pictures of another size."""

    def fit(sha256: str) -> Fetch:
        async def fitted() -> bytes:
            png = await pictures.read_source(sha256)
            if png is None:
                raise InvalidRequest("control_image", say("bound-still-stored"))
            return await decoder.fit(png, request.width, request.height)

        return fitted

    kept = tuple(one for one in inputs if one.role is not InputRole.CONTROL)
    return kept, [(one.role, fit(one.sha256)) for one in inputs if one.role is InputRole.CONTROL]


def _prepared(decoder: Decoder, fetch: Fetch, field: str, size: tuple[int, int]) -> Fetch:
    async def prepared() -> bytes:
        data = await fetch()
        try:
            return (await decoder.prepare(data, *size))[0]
        except InvalidRequest as error:
            raise InvalidRequest(field, error.bound) from error

    return prepared

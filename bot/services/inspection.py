"""From what a picture's file says about its making to a wish for another one like it."""

import contextlib
from dataclasses import dataclass
from pathlib import PurePath, PureWindowsPath

from bot.services.parameters import nearest_aspect
from bot.services.requests import Wish
from bot.texts import say
from generation.catalog import Catalog, Checkpoint
from generation.errors import InvalidRequest
from generation.loading.single_file import is_file_name
from generation.metadata.infotext import Number, Parameters
from generation.request import GUIDANCE, LCM_STEPS, PROMPT_LENGTH, SEED, STEPS, Aspect, Sampler


@dataclass(frozen=True, slots=True)
class Likeness:
    """The nearest wish that can be granted here, and what it leaves out of the file, in words.

    The words of ``left_out`` hold the file's own: whoever shows them escapes and shortens them.
    """

    wish: Wish
    left_out: tuple[str, ...]


def likeness(found: Parameters, catalog: Catalog) -> Likeness:
    """Return the wish for one picture with the file's parameters, as far as they hold here.

    What is unknown or out of bounds is left to the checkpoint, and said; the size becomes the
    nearest shape. The picture that it started from is not in the file. Raises InvalidRequest,
    naming ``image``, where the file has no prompt, or one that is too long.
    """
    if not found.prompt.strip():
        raise InvalidRequest("image", say("bound-image-prompt"))
    if max(len(found.prompt), len(found.negative_prompt)) > PROMPT_LENGTH:
        raise InvalidRequest("image", say("bound-image-words", most=str(PROMPT_LENGTH)))
    named = _checkpoint(found.model, catalog)
    checkpoint = named or catalog[catalog.default]
    sampler = found.sampler if found.sampler in checkpoint.samplers else None
    lcm = (sampler or checkpoint.sampler) == Sampler.LCM
    steps = _inside(found.steps, LCM_STEPS if lcm else STEPS)
    guidance = _inside(found.guidance_scale, GUIDANCE)
    seed = _inside(found.seed, SEED)
    size = f"{found.width}:{found.height}" if found.width and found.height else None
    aspect = _aspect(size)
    kept = (
        ("model", found.model, named),
        ("sampler", found.sampler, sampler),
        ("steps", found.steps, steps),
        ("guidance", found.guidance_scale, guidance),
        ("seed", found.seed, seed),
        ("size", size, aspect),
        ("strength", found.strength, None),
    )
    return Likeness(
        Wish(
            prompt=found.prompt,
            negative_prompt=found.negative_prompt,
            aspect=aspect,
            count=1,
            steps=steps,
            guidance_scale=guidance,
            seed=seed,
            sampler=sampler,
            checkpoint=named.name if named else None,
        ),
        tuple(
            say(f"left-out-{what}", said=str(said))
            for what, said, ours in kept
            if said is not None and ours is None
        ),
    )


def _checkpoint(model: str | None, catalog: Catalog) -> Checkpoint | None:
    """Return the checkpoint of this name, or the one whose file or folder has it."""
    if not model:
        return None
    wanted = {model.casefold(), _stem(PureWindowsPath(model))}  # parted by either slash
    for checkpoint in map(catalog.__getitem__, catalog.names):
        if wanted & {checkpoint.name.casefold(), _stem(PurePath(checkpoint.source))}:
            return checkpoint
    return None


def _stem(path: PurePath) -> str:
    return (path.stem if is_file_name(path.name) else path.name).casefold()


def _inside(value: Number | None, bound: tuple[float, float]) -> Number | None:
    return value if value is not None and bound[0] <= value <= bound[1] else None


def _aspect(size: str | None) -> Aspect | None:
    with contextlib.suppress(InvalidRequest):
        return nearest_aspect("size", size or "")
    return None

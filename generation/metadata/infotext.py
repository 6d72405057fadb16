"""The line of settings under a prompt, as AUTOMATIC1111's web UI writes and reads it.

The format is what its ``create_infotext`` and ``parse_generation_parameters`` agree on: the prompt,
``Negative prompt: …`` on a line of its own if there is one, and last a line of ``Key: value`` pairs
with commas between them. A value that would break the line is a JSON string. Imports no torch.

What those lines cannot carry (a prompt with a line that starts like the next part, spaces at an
end, control characters) stands once more, as it was, in two keys of ours, which others skip. JSON's
own escapes keep every comma and colon out of a quoted value, for readers that know no quotes.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import TypeVar

from generation.json_text import loads
from generation.request import GenerationRequest, Sampler

Number = TypeVar("Number", int, float)

NEGATIVE = "Negative prompt:"
EXACT, EXACT_NEGATIVE = "Exact prompt", "Exact negative prompt"
ENLARGED_BY = "Postprocess upscale by"
LEAST_PAIRS = 3  # fewer are words with a colon among them
MAX_OTHERS = 64

_PAIR = re.compile(
    r"""
    \s* (?P<key> [A-Za-z] [\w\ /-]{0,60} ) : \s*
    (?P<value>
        " (?: [^"\\] | \\. ){0,16000} " (?= \s* (?: , | $ ) )
        | \{ [^}]{0,2000} \} (?= \s* (?: , | $ ) )
        | [^,]*
    )
    """,
    re.VERBOSE,
)
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SIZE = re.compile(r"([0-9]{1,6})x([0-9]{1,6})")

# Where the web UI has another name than ours, which are its own otherwise.
_THEIR_NAMES = {Sampler.PNDM: "PLMS"}
_OUR_NAMES = {
    name.casefold(): sampler
    for sampler in Sampler
    for name in (sampler.value, _THEIR_NAMES.get(sampler, sampler.value))
}
# Noise schedules, the web UI's and ComfyUI's, that are no part of a sampler's name.
_PLAIN = frozenset(
    ("", "automatic", "uniform", "normal", "simple", "sgm uniform", "sgm_uniform", "ddim_uniform")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """How a picture was made, as far as its file says; sizes in pixels.

    ``sampler`` is one of our names where the file's means the same. ``width`` and ``height`` are
    those it was drawn at. ``other`` holds what has no field, under the file's own names. Values
    are the file's: nothing is checked against a request's bounds.
    """

    prompt: str = ""
    negative_prompt: str = ""
    steps: int | None = None
    sampler: str | None = None
    guidance_scale: float | None = None
    seed: int | None = None
    width: int | None = None
    height: int | None = None
    model: str | None = None
    model_hash: str | None = None
    strength: float | None = None
    other: Mapping[str, str] = field(default_factory=dict, hash=False)


def describe(request: GenerationRequest, *, seed: int, model_hash: str | None = None) -> Parameters:
    """Return how a request's picture was made; ``seed`` is the picture's own."""
    return Parameters(
        prompt=request.prompt,
        negative_prompt=request.negative_prompt,
        steps=request.num_inference_steps,
        sampler=request.sampler.value,
        guidance_scale=request.guidance_scale,
        seed=seed,
        width=request.width,
        height=request.height,
        model=request.checkpoint,
        model_hash=model_hash,
        strength=request.strength,
        other=dict(_version()),
    )


def enlarged(source: Parameters, *, factor: int) -> Parameters:
    """Return how a picture was made that was enlarged; ``source`` is what its source's file said.

    The keys are those of the web UI's "Extras" tab, which leaves the size as it was drawn. A
    picture that had been enlarged before says by how much altogether.
    """
    others = {key: value for key, value in source.other.items() if key != "Version"}
    before = whole(others.get(ENLARGED_BY, "")) or 1
    by = {ENLARGED_BY: str(before * factor), "Postprocess upscaler": "waifu2x"}
    return replace(source, other={**others, **by, **_version()})


def write(parameters: Parameters) -> str:
    """Return the text of a ``parameters`` chunk; `parse` gives equal parameters back."""
    pairs = _pairs_of(parameters)
    prompts = [_shown(parameters.prompt)]
    if parameters.negative_prompt:
        prompts.append(f"{NEGATIVE} {_shown(parameters.negative_prompt)}")
    text = "\n".join((*prompts, _line(pairs)))
    read = parse(text) or Parameters()
    if read.prompt != parameters.prompt:
        pairs[EXACT] = parameters.prompt
    if read.negative_prompt != parameters.negative_prompt:
        pairs[EXACT_NEGATIVE] = parameters.negative_prompt
    return "\n".join((*prompts, _line(pairs)))


def parse(text: str) -> Parameters | None:
    """Return what a text in this format says, ours or another program's; None if it says nothing.

    A text without a line of settings is all prompt. Takes time in proportion to its length.
    """
    lines = [line.strip() for line in text.strip().split("\n")]
    place, pairs = _settings(lines)
    # Some programs put JSON here.
    if not pairs and lines[0][:1] in ("", "{"):
        return None
    starts = (at for at in range(place) if lines[at].startswith(NEGATIVE))
    negative = next(starts, place)
    prompt = "\n".join(lines[:negative])
    negative_prompt = "\n".join(lines[negative:place]).removeprefix(NEGATIVE).lstrip()
    return _parameters(pairs.pop(EXACT, prompt), pairs.pop(EXACT_NEGATIVE, negative_prompt), pairs)


def sampler_named(name: str, schedule: str = "") -> Sampler | None:
    """Return our sampler that the web UI's name, and the noise schedule beside it, stand for."""
    name, schedule = name.strip().casefold(), schedule.strip().casefold()
    if schedule == "karras" or (name, schedule) == ("dpm++ 2m", "automatic"):
        return _OUR_NAMES.get(f"{name.removesuffix(' karras')} karras")
    return _OUR_NAMES.get(name) if schedule in _PLAIN else None


def whole(text: str) -> int | None:
    """Return a whole number, or None where it is none."""
    return int(text) if re.fullmatch(r"-?[0-9]{1,20}", text) else None


def decimal(text: str) -> float | None:
    """Return a finite number, or None where it is none."""
    if not re.fullmatch(r"-?[0-9.]{1,30}(e[+-]?[0-9]{1,3})?", text):
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


@cache
def _version() -> dict[str, str]:
    try:
        ours = version("darkroom")
    except PackageNotFoundError:  # run from a folder that was never installed
        ours = "unreleased"
    return {"Version": f"Darkroom {ours}"}


def _pairs_of(parameters: Parameters) -> dict[str, str]:
    size = None
    if parameters.width is not None and parameters.height is not None:
        size = f"{parameters.width}x{parameters.height}"
    fields = {
        "Steps": parameters.steps,
        "Sampler": _their_name(parameters.sampler),
        "CFG scale": _number(parameters.guidance_scale),
        "Seed": parameters.seed,
        "Size": size,
        "Model hash": parameters.model_hash,
        "Model": parameters.model,
        "Denoising strength": _number(parameters.strength),
        **parameters.other,
    }
    return {key: str(value) for key, value in fields.items() if value is not None}


def _their_name(sampler: str | None) -> str | None:
    return _THEIR_NAMES.get(Sampler(sampler), sampler) if sampler in tuple(Sampler) else sampler


def _number(value: float | None) -> str | None:
    return None if value is None else repr(float(value)).removesuffix(".0")


def _line(pairs: Mapping[str, str]) -> str:
    return ", ".join(f"{key}: {_quoted(value)}" for key, value in pairs.items())


def _quoted(value: str) -> str:
    plain = value.strip() == value and value.isprintable() and not set(',:"\\{') & set(value)
    if value and plain:
        return value
    return json.dumps(value).replace(",", "\\u002c").replace(":", "\\u003a")


def _unquoted(value: str) -> str:
    if value[:1] == '"':
        try:
            text = loads(value)
        except ValueError:
            return value
        return str(text)
    return value


def _shown(text: str) -> str:
    """Return the text without what a PNG's text cannot hold."""
    return _UNSEEN.sub(" ", text).encode("utf-8", "replace").decode("utf-8")


def _settings(lines: list[str]) -> tuple[int, dict[str, str]]:
    """Return the place and the pairs of the last line that is one of settings."""
    for place in range(len(lines) - 1, -1, -1):
        pairs = _read_pairs(lines[place])
        if len(pairs) >= LEAST_PAIRS and not pairs.keys().isdisjoint(("Steps", "Seed")):
            return place, pairs
    return len(lines), {}


def _read_pairs(line: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    at = 0
    while at < len(line) and len(pairs) < MAX_OTHERS:
        if match := _PAIR.match(line, at):
            pairs[match["key"].strip()] = _unquoted(match["value"].strip())
            at = match.end()
        comma = line.find(",", at)
        at = len(line) if comma < 0 else comma + 1
    return pairs


def _take(pairs: dict[str, str], key: str, read: Callable[[str], Number | None]) -> Number | None:
    """Take a pair whose value is a number out of the others."""
    value = read(pairs.get(key, ""))
    if value is not None:
        del pairs[key]
    return value


def _parameters(prompt: str, negative_prompt: str, pairs: dict[str, str]) -> Parameters:
    """Sort the pairs into fields; what does not fit one is kept as it is."""
    width, height = None, None
    if size := _SIZE.fullmatch(pairs.get("Size", "")):
        width, height = int(size[1]), int(size[2])
        del pairs["Size"]
    sampler = pairs.pop("Sampler", None)
    if sampler and (ours := sampler_named(sampler, pairs.get("Schedule type", ""))):
        sampler = ours.value
        pairs.pop("Schedule type", None)
    return Parameters(
        prompt=prompt,
        negative_prompt=negative_prompt,
        steps=_take(pairs, "Steps", whole),
        sampler=sampler,
        guidance_scale=_take(pairs, "CFG scale", decimal),
        seed=_take(pairs, "Seed", whole),
        width=width,
        height=height,
        model=pairs.pop("Model", None),
        model_hash=pairs.pop("Model hash", None),
        strength=_take(pairs, "Denoising strength", decimal),
        other=pairs,
    )

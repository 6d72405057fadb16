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
from generation.metadata import samplers
from generation.metadata.samplers import THEIR_NAMES, sampler_named
from generation.prompts.adapters import written
from generation.request import GenerationRequest, Sampler

__all__ = ["Parameters", "describe", "enlarged", "parse", "sampler_named", "write"]

Number = TypeVar("Number", int, float)

NEGATIVE = "Negative prompt:"
EXACT, EXACT_NEGATIVE = "Exact prompt", "Exact negative prompt"
ENLARGED_BY = "Postprocess upscale by"
UPSCALER = "waifu2x"
RESCALED_BY = "CFG Rescale"  # as its extension for the web UI writes it
ADAPTER_HASHES = "Lora hashes"
ENLARGED_TO, TILED = "Hires upscale", "Tiling"
LEAST_PAIRS = 3  # fewer are words with a colon among them
MAX_OTHERS = 64

_PAIR = re.compile(
    r"""
    \s* (?P<key> [A-Za-z] [\w\ /-]{0,60} ) : \s*
    (?P<value>
        " (?: [^"\\] | \\. ){0,16000} " (?= \s* (?: , | $ ) )
        | [^,]*
    )
    """,
    re.VERBOSE,
)
NESTED_LENGTH = 16_000
_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}()]')
_PIPE = re.compile(r"\|\s*[A-Z][\w /-]{0,40}:")
_SETTING = re.compile(r"\s*(Steps|Seed|Size|Sampler|CFG scale|Model|Model hash|Schedule type)\s*:")
_STEPS = re.compile(r"(?<![\w:])Steps:\s*[0-9]+\s*[,|]")
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SIZE = re.compile(r"([0-9]{1,6})x([0-9]{1,6})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """How a picture was made, as far as its file says; sizes in pixels.

    ``sampler`` is one of our names where the file's means the same. ``width`` and ``height`` are
    those it was drawn at. ``other`` holds what has no field, under the file's own names. Values
    are the file's: nothing is checked against a request's bounds. ``program`` is who made it, where
    the text is not the web UI's; with nothing else it is recognised and says nothing. ``partial``:
    the file says more than could be understood.
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
    program: str | None = field(default=None, compare=False)
    partial: bool = field(default=False, compare=False)

    @property
    def says_how(self) -> bool:
        """Whether there is more than the name of a program."""
        return self != Parameters()


def describe(
    request: GenerationRequest,
    *,
    seed: int,
    model_hash: str | None = None,
    adapter_hashes: Mapping[str, str] | None = None,
) -> Parameters:
    """Return how a request's picture was made; ``seed`` is the picture's own.

    LoRAs stand in the prompt, as the web UI writes them; ``adapter_hashes`` are theirs by name. Of
    two strengths it is the second pass's, as in the web UI.
    """
    second = request.hires
    return Parameters(
        prompt=" ".join((request.prompt, *map(written, request.adapters))),
        negative_prompt=request.negative_prompt,
        steps=request.num_inference_steps,
        sampler=request.sampler.value,
        guidance_scale=request.guidance_scale,
        seed=seed,
        width=request.width,
        height=request.height,
        model=request.checkpoint,
        model_hash=model_hash,
        strength=request.strength if second is None else second.strength,
        other={
            **_rescaled(request),
            **_edited(request),
            **_hashed(adapter_hashes or {}),
            **_version(),
        },
    )


def _hashed(hashes: Mapping[str, str]) -> dict[str, str]:
    listed = ", ".join(f"{name}: {digits}" for name, digits in hashes.items())
    return {ADAPTER_HASHES: listed} if listed else {}


def _rescaled(request: GenerationRequest) -> dict[str, str]:
    rescale = _number(request.guidance_rescale)
    return {} if rescale is None else {RESCALED_BY: rescale}


def _edited(request: GenerationRequest) -> dict[str, str]:
    """Return the web UI's own keys for what is more than a prompt and a source."""
    said: dict[str, str] = {}
    if request.feather is not None:
        said["Mask blur"] = str(request.feather)
    if request.hires is not None:
        said[ENLARGED_TO] = _number(request.hires.scale) or ""
        if request.hires.steps is not None:
            said["Hires steps"] = str(request.hires.steps)
        if request.hires.factor is not None:
            said["Hires upscaler"] = UPSCALER
    if request.tiling:
        said[TILED] = "True"
    return said


def _steered(request: GenerationRequest) -> dict[str, str]:
    """Return what steered it, as the web UI's ControlNet extension writes its units."""
    units = [
        f"Module: {one.preprocess or 'none'}, Model: {one.name}, Weight: {_number(one.weight)},"
        f" Guidance Start: {_number(one.start)}, Guidance End: {_number(one.end)}"
        for one in request.controls
    ]
    units += [
        f"Module: ip-adapter-auto, Model: {one.name}, Weight: {_number(one.weight)},"
        f" Reference for: {one.kind}"
        for one in request.references
    ]
    return {f"ControlNet {number}": unit for number, unit in enumerate(units)}


def enlarged(source: Parameters, *, factor: int) -> Parameters:
    """Return how a picture was made that was enlarged; ``source`` is what its source's file said.

    The keys are those of the web UI's "Extras" tab, which leaves the size as it was drawn. A
    picture that had been enlarged before says by how much altogether.
    """
    others = {key: value for key, value in source.other.items() if key != "Version"}
    before = whole(others.get(ENLARGED_BY, "")) or 1
    by = {ENLARGED_BY: str(before * factor), "Postprocess upscaler": UPSCALER}
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


def parse(text: str, least: int = LEAST_PAIRS) -> Parameters | None:
    """Return what a text in this format says, ours or another program's; None if it says nothing.

    A text without a line of ``least`` settings is all prompt. Takes time in proportion to its
    length.
    """
    lines = [line.strip() for line in text.strip().split("\n")]
    words, pairs = _settings(lines, least)
    # Some programs put JSON here.
    if not pairs and lines[0][:1] in ("", "{"):
        return None
    negative = next((at for at, line in enumerate(words) if line.startswith(NEGATIVE)), len(words))
    prompt = "\n".join(words[:negative])
    negative_prompt = "\n".join(words[negative:]).removeprefix(NEGATIVE).lstrip()
    return _parameters(pairs.pop(EXACT, prompt), pairs.pop(EXACT_NEGATIVE, negative_prompt), pairs)


def is_ours(parameters: Parameters) -> bool:
    """Tell whether we wrote them, in our way of writing prompts."""
    return parameters.other.get("Version", "").startswith("Darkroom ")


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
    return THEIR_NAMES.get(Sampler(sampler), sampler) if sampler in tuple(Sampler) else sampler


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


def _settings(lines: list[str], least: int) -> tuple[list[str], dict[str, str]]:
    """Return the lines before the last one that is of settings, and its pairs.

    Where line ends were lost, the words before the settings are a line of their own again.
    """
    for place in range(len(lines) - 1, -1, -1):
        words, settings = _parted(lines[place])
        pairs = _read_pairs(settings)
        if len(pairs) >= least and not pairs.keys().isdisjoint(("Steps", "Seed")):
            return lines[:place] + words, pairs
    return lines, {}


def _parted(line: str) -> tuple[list[str], str]:
    """Return the words of a line that holds everything, by line, and its settings."""
    if _SETTING.match(line):
        return [], line
    starts = list(_STEPS.finditer(line))
    if not starts:
        return [], line
    at = starts[-1].start()
    words, _, negative = line[:at].partition(NEGATIVE)
    return [
        words.rstrip(),
        *([f"{NEGATIVE} {negative.strip()}"] if negative.strip() else []),
    ], line[at:]


def _read_pairs(line: str) -> dict[str, str]:
    if len(_PIPE.findall(line)) >= LEAST_PAIRS - 1:  # as SD.Next parts them
        parts = [part.partition(":") for part in line.split("|")[:MAX_OTHERS]]
        return {key.strip(): _unquoted(value.strip()) for key, colon, value in parts if colon}
    pairs: dict[str, str] = {}
    at, budget = 0, NESTED_LENGTH * 4
    while at < len(line) and len(pairs) < MAX_OTHERS:
        if match := _PAIR.match(line, at):
            value, at = match["value"], match.end()
            if value[:1] in ("[", "{", "(") and budget > 0:
                end = _closed(line, match.start("value"))
                budget -= (end or NESTED_LENGTH) - (match.start("value") if end else 0)
                if end and re.match(r"\s*(,|$)", line[end : end + 10]):
                    value, at = line[match.start("value") : end], end
            pairs[match["key"].strip()] = _unquoted(value.strip())
        comma = line.find(",", at)
        at = len(line) if comma < 0 else comma + 1
    return pairs


def _closed(line: str, start: int) -> int | None:
    """Return where the bracket at ``start`` is closed, whatever is nested in it."""
    depth = 0
    for token in _BRACKET.finditer(line, start, start + NESTED_LENGTH):
        if token[0] in ("[", "{", "("):
            depth += 1
        elif token[0] in ("]", "}", ")"):
            depth -= 1
            if depth == 0:
                return token.end()
    return None


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
    schedule = "Schedule type" if "Schedule type" in pairs else "Scheduler"  # as Fooocus has it
    ours, left = samplers.nearest(sampler or "", pairs.get(schedule, ""))
    if ours:
        sampler = ours.value
    if not left:
        pairs.pop(schedule, None)
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

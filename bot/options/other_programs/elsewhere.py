"""How another program made a picture, as options here."""

import re
from pathlib import PurePath, PureWindowsPath
from typing import Any

from bot.options.adapters.asked import samplers_for
from bot.options.adapters.known import known_embeddings
from bot.options.adapters.known import of_file as of_other_file
from bot.options.describe import of_file, others
from bot.options.image_options import ImageOptions
from bot.options.other_programs.dialects import (
    MAX_DEPTH,
    NOVELAI_EMPHASIS,
    Read,
    in_brackets,
    weighing,
    words,
)
from bot.options.registry import OPTIONS, Option
from bot.options.typography import tidy
from bot.options.values import Name, SamplerName
from bot.texts import say
from generation.architectures import DISTILLED
from generation.catalog import Catalog, Checkpoint, is_file_name
from generation.errors import InvalidRequest
from generation.hires import HIRES_STRENGTH
from generation.metadata.fields import plain
from generation.metadata.infotext import UPSCALER, Parameters, is_ours
from generation.metadata.samplers import PLAIN
from generation.prompts.weights import EMPHASIS, MAX_WEIGHT
from generation.request import LCM_STEPS, SIDE, Aspect

# What is said beside the making, and what checkpoint, shape and prompt say already; without case
# and spaces, as programs write them.
_ABOUT = frozenset(
    (
        "version", "app", "software", "program", "operations", "parser", "backend", "pipeline",
        "createddate", "date", "user", "username", "generationtime", "hashes", "modelhash",
        "tihashes", "embeddinghashes", "vaehash", "civitaimetadata",
        "civitairesources", "jobid",
        "source", "title", "appversion", "appid", "model", "modelurl", "swarmversion",
        "metadatascheme", "fullprompt", "imagesperbatch", "rngdevice", "randmethod",
        "generationmode", "aspectratio", "batchsize", "batchpos", "nsamples", "numoutputs",
        "outputformat", "outputquality", "createdby", "workflowid", "comment", "description",
        "author", "format", "parameters", "numoutputstotal", "imagecount", "workengine",
        "template", "negativetemplate",
        "wildcardprompt", "wildcardnegativeprompt", "rawprompt", "rawnegativeprompt", "realprompt",
        "realnegativeprompt", "automaticvae", "randdevice", "canvasv2metadata",
    )
)  # fmt: skip
# Where a setting does what happens without it.
_NEUTRAL = {
    "scheduletype": PLAIN,
    "clipskip": ("1", "0"),
    "stopatcliplayer": ("-1",),
    "ensd": ("0",),
    "etanoiseseeddelta": ("0",),
    "eta": ("0", "0.0"),
    "variationseedstrength": ("0",),
    "subseedstrength": ("0",),
    "vae": ("automatic", "default", "default (model)"),
    "cfgrescale": ("0", "0.0"),
    "cfgrescalemultiplier": ("0", "0.0"),
    "hiresupscaler": (UPSCALER,),
    "uncondscale": ("0", "0.0", "1", "1.0"),
}
# Values of options that ask for nothing: a seed of any kind, and nothing of the picture kept.
_ANY = (("seed", -1), ("strength", 1.0))
# InvokeAI's weights stand behind brackets or a word (the library compel's syntax).
_BEHIND = re.compile(
    r"(?:\((?P<inner>(?:[^()]|\([^()]*\))*)\)|(?<![\w'+-])(?P<word>[^\W_][\w']*))"
    r"(?P<weight>\++|-+|(?<=\))[0-9]*\.?[0-9]+)(?=[\s,.;)]|$)"
)
_OFF = ("", "none", "false", "off", "disabled", "null", "[]", "{}")


def options_of(found: Parameters, catalog: Catalog) -> tuple[Parameters, ImageOptions]:
    """Return what a file says without its LoRAs, and the options without the prompts.

    They are as far as they are valid here.
    Unknown and out-of-range values are left to the checkpoint and named as left out, as is every
    other setting that affected the picture; the size becomes the nearest shape. So is a strength:
    the picture that was started from is not there.
    """
    said = of_file(found)
    ours = {field: _kept(OPTIONS[field], value) for field, value in said.items()}
    named = _checkpoint(found.model, catalog)
    checkpoint = named or catalog[catalog.default]
    ours["checkpoint"] = named.name if named else None
    found, taken = of_other_file(found, catalog, checkpoint)
    ours["lora"] = taken.adapters
    if ours["sampler"] not in samplers_for(catalog, ours, checkpoint):
        ours["sampler"] = None
    if (ours["sampler"] or checkpoint.sampler) in DISTILLED and found.steps is not None:
        ours["steps"] = found.steps if LCM_STEPS[0] <= found.steps <= LCM_STEPS[1] else None
    ours["strength"] = None
    if max(checkpoint.size_for(ours["aspect"] or Aspect.SQUARE)) * (ours["hires"] or 1) > SIDE[1]:
        ours["hires"] = None
    if ours["hires"] is not None and found.strength == HIRES_STRENGTH:
        said["strength"] = None  # the second pass's
    missing = [
        say(f"left-out-{OPTIONS[field].key}", said=str(value))
        for field, value in said.items()
        if value is not None and ours[field] is None and (field, value) not in _ANY
    ]
    more = [
        say("left-out-other", name=name, said=value)
        for name, value in others(found).items()
        if _changes(name, value)
    ]
    return found, ImageOptions(ours).without(*missing, *more, *taken.left_out)


def all_of(found: Parameters, catalog: Catalog) -> ImageOptions:
    """Return the options and the prompts, which are put into our way of writing if not ours."""
    found, options = options_of(found, catalog)
    prompt, negative_prompt = found.prompt, found.negative_prompt
    if not is_ours(found):
        drawn, away = (prompt_of(one, found.program) for one in (prompt, negative_prompt))
        prompt = drawn.words
        negative_prompt = ", ".join(filter(None, (away.words, away.away, drawn.away)))
        options = options.without(*drawn.left_out, *away.left_out)
    said = options.but(prompt=prompt, negative_prompt=negative_prompt)
    return known_embeddings(catalog, said)


def prompt_of(text: str, program: str | None) -> Read:
    """Return a prompt out of a program's file as we write it, and what was taken out."""
    text = tidy(text)
    if program == "NovelAI":  # round brackets are letters there, and braces always weigh
        text = re.sub(r"(?<!\\)[()]", r"\\\g<0>", text)
        text = weighing(weighing(text, "[]", 1 / NOVELAI_EMPHASIS), "{}", NOVELAI_EMPHASIS)
    elif program == "InvokeAI":
        for _ in range(MAX_DEPTH):
            text, changed = _BEHIND.subn(_weight_behind, text)
            if not changed:
                break
    return words(text)


def _weight_behind(found: re.Match[str]) -> str:
    """Return words with their weight in brackets, which a number or a row of signs follows."""
    signs = found["weight"]
    weight = EMPHASIS ** (signs.count("+") - signs.count("-")) if signs[0] in "+-" else float(signs)
    return in_brackets(found["inner"] or found["word"], min(weight, MAX_WEIGHT))


def _changes(name: str, value: str) -> bool:
    """Tell whether a setting that there is no option for had a part in the picture."""
    key, value = plain(name), value.strip().casefold()
    return key not in _ABOUT and value not in _OFF and value not in _NEUTRAL.get(key, ())


def _kept(option: Option, value: Any) -> Any:  # noqa: ANN401
    """Return another program's value as an option's; None if missing or invalid."""
    if value is None:
        return None
    try:
        # Values without a field of their own are stored as text.
        written = isinstance(value, str) and not isinstance(option.value, SamplerName | Name)
        return (
            option.value.read(option.field, value)
            if written
            else option.value.check(option.field, value)
        )
    except InvalidRequest:
        return None


def _checkpoint(model: str | None, catalog: Catalog) -> Checkpoint | None:
    """Return the checkpoint of this name, or the one whose file or folder has it."""
    if not model:
        return None
    wanted = {model.casefold(), _stem(PureWindowsPath(model))}  # separated by either slash
    for checkpoint in map(catalog.__getitem__, catalog.names):
        if wanted & {checkpoint.name.casefold(), _stem(PurePath(checkpoint.source))}:
            return checkpoint
    return None


def _stem(path: PurePath) -> str:
    return (path.stem if is_file_name(path.name) else path.name).casefold()

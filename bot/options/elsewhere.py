"""How another program made a picture, as options here."""

from pathlib import PurePath, PureWindowsPath
from typing import Any

from bot.options.describe import of_file, others
from bot.options.image_options import ImageOptions
from bot.options.registry import OPTIONS, Option
from bot.options.values import Name, SamplerName
from bot.texts import say
from generation.architectures import DISTILLED
from generation.catalog import Catalog, Checkpoint, is_file_name
from generation.errors import InvalidRequest
from generation.metadata.fields import plain
from generation.metadata.infotext import Parameters
from generation.metadata.samplers import PLAIN
from generation.request import LCM_STEPS

# What is said beside the making, and what checkpoint, shape and prompt say already; without case
# and spaces, as programs write them.
_ABOUT = frozenset(
    (
        "version", "app", "software", "program", "operations", "parser", "backend", "pipeline",
        "createddate", "date", "user", "username", "generationtime", "hashes", "modelhash",
        "tihashes", "embeddinghashes", "vaehash", "civitaimetadata", "civitairesources", "jobid",
        "source", "title", "appversion", "appid", "model", "modelurl", "swarmversion",
        "metadatascheme", "fullprompt", "imagesperbatch", "rngdevice", "randmethod",
        "generationmode", "aspectratio", "batchsize", "batchpos", "nsamples", "numoutputs",
        "outputformat", "outputquality", "createdby", "workflowid", "comment", "description",
        "author", "format", "parameters",
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
    "vae": ("automatic", "default"),
}
_OFF = ("", "none", "false", "off", "disabled", "null", "[]", "{}")


def options_of(found: Parameters, catalog: Catalog) -> ImageOptions:
    """Return the options, as far as they are valid here, without the prompts.

    Unknown and out-of-range values are left to the checkpoint and named as left out, as is every
    other setting that affected the picture; the size becomes the nearest shape. So is a strength:
    the picture that was started from is not there.
    """
    said = of_file(found)
    ours = {field: _kept(OPTIONS[field], value) for field, value in said.items()}
    named = _checkpoint(found.model, catalog)
    checkpoint = named or catalog[catalog.default]
    ours["checkpoint"] = named.name if named else None
    if ours["sampler"] not in checkpoint.samplers:
        ours["sampler"] = None
    if (ours["sampler"] or checkpoint.sampler) in DISTILLED and found.steps is not None:
        ours["steps"] = found.steps if LCM_STEPS[0] <= found.steps <= LCM_STEPS[1] else None
    ours["strength"] = None
    missing = [
        say(f"left-out-{OPTIONS[field].key}", said=str(value))
        for field, value in said.items()
        if value is not None and ours[field] is None and (field, value) != ("seed", -1)
    ]
    more = [
        say("left-out-other", name=name, said=value)
        for name, value in others(found).items()
        if _changes(name, value)
    ]
    return ImageOptions(ours).without(*missing, *more)


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

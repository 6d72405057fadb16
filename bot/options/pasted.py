"""The web UI's generation data where a prompt belongs: ``a fox Negative prompt: … Steps: 28, …``.

People copy it whole from Civitai and from pictures' details; a chat's input may put all of it on
one line.
"""

import re
from dataclasses import dataclass
from pathlib import PurePath, PureWindowsPath
from typing import Any

from bot.options.describe import of_file, others
from bot.options.image_options import ImageOptions
from bot.options.registry import OPTIONS
from bot.options.values import Name, SamplerName
from bot.texts import say
from generation.architectures import DISTILLED
from generation.catalog import Catalog, Checkpoint, is_file_name
from generation.errors import InvalidRequest
from generation.metadata.infotext import NEGATIVE, Parameters, parse
from generation.request import LCM_STEPS

_SETTINGS = re.compile(r"\s+(?=Steps:\s*[0-9]+\s*,\s*[A-Z][\w ]*:)")
_NEGATIVE = re.compile(rf"(?:^|(?<=\s)){NEGATIVE}")
_TYPED = re.compile(r"\s[-‐-―−]{1,3}[^\W\d_]")
# What says of a picture only what everybody's say, or what cannot change it here.
_SILENT = frozenset(("Version", "Model hash", "Created Date", "Hashes", "Civitai resources"))


@dataclass(frozen=True, slots=True)
class Pasted:
    """What generation data says, and the parameters that somebody typed after it."""

    found: Parameters
    typed: str


def split(text: str) -> Pasted | None:
    """Return what a text says that is the web UI's generation data; None of any other."""
    settings = list(_SETTINGS.finditer(text))
    negative = _NEGATIVE.search(text)
    if not settings and negative is None:
        return None
    start = settings[-1].end() if settings else len(text)
    typed = _TYPED.search(text, start)
    end = typed.start() if typed else len(text)
    lines = text[start:end]
    prompts = text[: settings[-1].start()] if settings else text
    if negative is not None and negative.start() < start:
        away = prompts[negative.start() :].strip()
        prompts = f"{prompts[: negative.start()].strip()}\n{away}"
    found = parse(f"{prompts}\n{lines}" if lines else prompts)
    if found is None or (settings and found.steps is None):
        return None
    return Pasted(found, text[end:])


def options_of(found: Parameters, catalog: Catalog) -> ImageOptions:
    """Return the options that generation data says, as far as they hold here.

    What does not is left out of them, by name.
    """
    said = of_file(found)
    ours = {field: _kept(field, value) for field, value in said.items()}
    checkpoint = _checkpoint(found.model, catalog)
    ours["checkpoint"] = checkpoint.name if checkpoint else None
    samplers = (checkpoint or catalog[catalog.default]).samplers
    if ours["sampler"] not in samplers:
        ours["sampler"] = None
    if ours["sampler"] in DISTILLED and (found.steps or 0) > LCM_STEPS[1]:
        ours["steps"] = None
    ours["strength"] = None  # the picture that it is about is not pasted
    missing = [
        say(f"left-out-{OPTIONS[field].key}", said=str(value))
        for field, value in said.items()
        if value is not None and ours[field] is None
    ]
    more = (f"{name}: {value}" for name, value in others(found).items() if name not in _SILENT)
    return ImageOptions(ours, negative_prompt=found.negative_prompt).without(*missing, *more)


def _kept(field: str, value: Any) -> Any:  # noqa: ANN401
    """Return a value as an option's, None where it is none of ours."""
    if value is None:
        return None
    kind = OPTIONS[field].value
    try:
        if isinstance(value, str) and not isinstance(kind, SamplerName | Name):
            return kind.read(field, value)
        return kind.check(field, value)
    except InvalidRequest:
        return None


def _checkpoint(model: str | None, catalog: Catalog) -> Checkpoint | None:
    """Return the checkpoint of this name, or the one whose file or folder has it."""
    if not model:
        return None
    wanted = {model.casefold(), _stem(PureWindowsPath(model))}
    for checkpoint in map(catalog.__getitem__, catalog.names):
        if wanted & {checkpoint.name.casefold(), _stem(PurePath(checkpoint.source))}:
            return checkpoint
    return None


def _stem(path: PurePath) -> str:
    return (path.stem if is_file_name(path.name) else path.name).casefold()

"""Generation data where a prompt belongs: ``a fox Negative prompt: … Steps: 28, …``.

People copy it whole from Civitai and from pictures' details; a chat's input may put all of it on
one line, a page may put each setting on a line of its own, and some programs copy JSON.
"""

import re
from dataclasses import dataclass

from generation.metadata import reader
from generation.metadata.containers import Texts, json_object
from generation.metadata.fields import plain, read
from generation.metadata.infotext import NEGATIVE, Parameters, parse

LEAST_SETTINGS = 2

_SETTINGS = re.compile(r"(?<!\s)\s+(?=Steps:\s*[0-9]+\s*,\s*[A-Z][\w ]*:)")
_WITHOUT_STEPS = re.compile(r"(?<!\s)\s+(?=Seed:\s*[0-9]+\s*,\s*[A-Z][\w ]*:)")
_TYPED = re.compile(r"\s[-‐-―−]{1,3}[^\W\d_]")
# In a negative prompt that ends it, one dash is a dash.
_TYPED_AWAY = re.compile(r"\s(?:--|[—―]{1,2})[^\W\d_]")
# What stands before what is to be kept out, with a colon anywhere, or alone on its line.
_AWAY = re.compile(
    r"(?:^|(?<=\s))"
    r"(?:negative[ \t]+prompt|(?:反向|[负負]面)提示[词詞]?|ネガティブプロンプト)[ \t]*[:：]"
    r"|^[ \t]*negative(?:[ \t]+prompt[ \t]*$|[ \t]*[:：])",
    re.IGNORECASE | re.MULTILINE,
)
_PROMPT = re.compile(r"\s*(?:positive[ \t]+)?prompt[ \t]*\n", re.IGNORECASE)
_LINE = re.compile(r"[ \t]*(?P<key>[A-Za-z][A-Za-z ]{2,20}?)[ \t]*[:：\t][ \t]*(?P<value>\S.*)")
_KEYS = {
    "steps": "Steps", "samplingsteps": "Steps", "sampler": "Sampler", "samplingmethod": "Sampler",
    "scheduletype": "Schedule type", "scheduler": "Schedule type", "cfg": "CFG scale",
    "cfgscale": "CFG scale", "guidance": "CFG scale", "guidancescale": "CFG scale", "seed": "Seed",
    "size": "Size", "resolution": "Size", "model": "Model", "checkpoint": "Model",
    "modelhash": "Model hash", "clipskip": "Clip skip", "vae": "VAE", "version": "Version",
    "denoisingstrength": "Denoising strength",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pasted:
    """What generation data says, and the parameters that somebody typed after it."""

    found: Parameters
    typed: str


def split(text: str) -> Pasted | None:
    """Return what a text says that is generation data, the web UI's or JSON; None of any other."""
    if (table := json_object(text)) is not None:
        said = reader.parse(Texts((("parameters", text),))) or read(table, program=None)
        return Pasted(said, "") if said.prompt.strip() else None
    text = _on_one_line(text)
    settings = list(_SETTINGS.finditer(text)) or list(_WITHOUT_STEPS.finditer(text))
    negative = _AWAY.search(text)
    if not settings and negative is None:
        return None
    start = settings[-1].end() if settings else len(text)
    typed = _TYPED.search(text, start)
    if not settings and negative is not None:
        typed = _TYPED_AWAY.search(text, negative.end())
        start = typed.start() if typed else start
    end = typed.start() if typed else len(text)
    lines = text[start:end]
    prompts = text[: settings[-1].start()] if settings else text[:end]
    if negative is not None and negative.start() < start:
        away = prompts[negative.end() :].strip()
        prompts = _PROMPT.sub("", prompts[: negative.start()], count=1)
        prompts = f"{prompts.strip()}\n{NEGATIVE} {away}"
    found = parse(f"{prompts}\n{lines}" if lines else prompts, LEAST_SETTINGS)
    if found is None or (settings and (found.steps, found.seed) == (None, None)):
        return None
    return Pasted(found, text[end:])


def _on_one_line(text: str) -> str:
    """Return the text with the settings that end it, each on a line of its own, on one line."""
    lines = text.rstrip().split("\n")
    pairs: dict[str, str] = {}
    while lines:
        found = _LINE.fullmatch(lines[-1])
        key = _KEYS.get(plain(found["key"])) if found else None
        if lines[-1].strip() and (found is None or key is None):
            break
        if found and key:
            pairs = {key: found["value"].strip(), **pairs}
        lines.pop()
    if len(pairs) < LEAST_SETTINGS or pairs.keys().isdisjoint(("Steps", "Seed")):
        return text
    first = "Steps" if "Steps" in pairs else "Seed"
    pairs = {first: pairs[first], **pairs}
    return "\n".join((*lines, ", ".join(f"{key}: {value}" for key, value in pairs.items())))

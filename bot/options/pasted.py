"""The web UI's generation data where a prompt belongs: ``a fox Negative prompt: … Steps: 28, …``.

People copy it whole from Civitai and from pictures' details; a chat's input may put all of it on
one line.
"""

import re
from dataclasses import dataclass

from generation.metadata.infotext import NEGATIVE, Parameters, parse

_SETTINGS = re.compile(r"(?<!\s)\s+(?=Steps:\s*[0-9]+\s*,\s*[A-Z][\w ]*:)")
_NEGATIVE = re.compile(rf"(?:^|(?<=\s)){NEGATIVE}")
_TYPED = re.compile(r"\s[-‐-―−]{1,3}[^\W\d_]")


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

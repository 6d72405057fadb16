"""Midjourney: the line that was typed, with a job's id behind it. Imports no torch."""

import re

from generation.metadata import fields
from generation.metadata.containers import Texts
from generation.metadata.infotext import MAX_OTHERS, Parameters

PROGRAM = "Midjourney"
_JOB = re.compile(r"\s*Job ID:\s*([0-9a-f-]{36})", re.IGNORECASE)
_FLAG = re.compile(r"\s--([a-z]+)\b((?:(?!\s--[a-z]).)*)", re.DOTALL)
_MAX_LINE = 20_000


def parse(texts: Texts) -> Parameters | None:
    """Return the line in its parts. Its shape is the picture's own, which is not in the line."""
    for key, text in texts.pairs:
        named = PROGRAM in text and key.casefold() in ("software", "creatortool", "credit")
        if key.casefold() not in ("description", "imagedescription", "comment", "usercomment"):
            if named:
                return Parameters(program=PROGRAM)
            continue
        if job := _JOB.search(text):
            return _line(text[: min(job.start(), _MAX_LINE)], job[1])
    return None


def _line(line: str, job: str) -> Parameters:
    first = _FLAG.search(line)
    flags: dict[str, str] = {}
    for flag in _FLAG.finditer(line, first.start() if first else len(line)):
        if len(flags) < MAX_OTHERS:
            flags[flag[1]] = flag[2].strip()
    version = flags.pop("v", flags.pop("version", ""))
    ratio = flags.pop("ar", flags.pop("aspect", ""))
    width, height = (fields.whole(part) for part in (*ratio.split(":"), "", "")[:2])
    seed = fields.whole(flags.get("seed"))
    if seed is not None:
        del flags["seed"]
    return Parameters(
        prompt=line[: first.start()].strip() if first else line.strip(),
        negative_prompt=flags.pop("no", ""),
        seed=seed,
        width=width,
        height=height,
        model=f"{PROGRAM} {version}".strip(),
        other={f"--{flag}": value or "on" for flag, value in flags.items()} | {"Job ID": job},
        program=PROGRAM,
    )

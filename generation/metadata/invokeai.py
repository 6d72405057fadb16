"""InvokeAI's three ways of writing how a picture was made. Imports no torch."""

import re

from generation.metadata import fields
from generation.metadata.containers import Texts, json_object
from generation.metadata.infotext import Parameters

PROGRAM = "InvokeAI"
# Of the command line that its first releases wrote ("Dream").
_FLAGS = {
    "s": "steps", "steps": "steps", "S": "seed", "seed": "seed", "W": "width", "width": "width",
    "H": "height", "height": "height", "C": "cfg_scale", "cfg_scale": "cfg_scale",
    "A": "sampler", "sampler": "sampler", "sampler_name": "sampler", "f": "strength",
    "strength": "strength",
}  # fmt: skip
_FLAG = re.compile(r"\s--?([A-Za-z_]+)[ =]?\s*([^\s-][^\s]*|-[0-9][^\s]*)?")
_ASIDE = re.compile(r"\[([^\[\]]*)\]")  # what is in brackets is kept out


def parse(texts: Texts) -> Parameters | None:
    """Return what the newest of them that is there says."""
    for key in ("invokeai_metadata", "invokeai", "sd-metadata"):
        if table := json_object(texts.get(key)):
            return _legacy(table) if isinstance(table.get("image"), dict) else _table(table)
    for _, table in texts.objects:
        if "positive_prompt" in table and {"app_version", "generation_mode"} & table.keys():
            return _table(table)
    if line := texts.get("Dream"):
        return _dream(line)
    named = any(texts.get(f"invokeai_{part}") for part in ("workflow", "graph"))
    return Parameters(program=PROGRAM) if named else None


def _table(table: fields.Table) -> Parameters:
    styles = {
        key: table[key]
        for key in ("positive_style_prompt", "negative_style_prompt")
        if key in table
    }
    known = {key: value for key, value in table.items() if key not in styles}
    return fields.read(known, program=PROGRAM)


def _legacy(table: fields.Table) -> Parameters:
    image = dict(table["image"])
    prompts = image.pop("prompt", "")
    if isinstance(prompts, list):
        words = [one.get("prompt") for one in prompts if isinstance(one, dict)]
        prompts = ", ".join(word for word in words if isinstance(word, str))
    text = prompts if isinstance(prompts, str) else ""
    around = {key: table[key] for key in ("model_weights", "model_hash") if key in table}
    positive, negative = _parted(text)
    return fields.read(
        {"prompt": positive, "negative_prompt": negative, **around, **image}, program=PROGRAM
    )


def _dream(line: str) -> Parameters:
    prompt, rest = line, ""
    if quoted := re.match(r'\s*"((?:[^"\\]|\\.){0,20000})"', line):
        prompt, rest = re.sub(r"\\(.)", r"\1", quoted[1]), line[quoted.end() :]
    elif flag := re.search(r"\s-{1,2}[A-Za-z]", line):
        prompt, rest = line[: flag.start()], line[flag.start() :]
    table = {_FLAGS.get(flag, flag): value for flag, value in _FLAG.findall(rest)}
    positive, negative = _parted(prompt)
    return fields.read({"prompt": positive, "negative_prompt": negative, **table}, program=PROGRAM)


def _parted(prompt: str) -> tuple[str, str]:
    """Return what to draw and what to keep out of a prompt that has both."""
    negative = ", ".join(part.strip() for part in _ASIDE.findall(prompt))
    return " ".join(_ASIDE.sub(" ", prompt).split()) if negative else prompt.strip(), negative

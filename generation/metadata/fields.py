"""The fields of JSON that programs write, under whatever names. Imports no torch."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from generation.metadata import samplers
from generation.metadata.infotext import MAX_OTHERS, Parameters

Table = Mapping[str, Any]

MAX_VALUE = 300  # characters of a value that has no field
MAX_DIGITS = 20
# Every name without its case, spaces and underscores. The first that is there is believed.
NAMES = {
    "prompt": ("prompt", "positiveprompt", "positive", "originalprompt", "inputprompt"),
    "negative_prompt": ("negativeprompt", "negative", "uc"),
    "steps": ("steps", "numinferencesteps", "samplingsteps"),
    "guidance_scale": ("cfgscale", "guidancescale", "cfg", "scale", "guidance"),
    "seed": ("seed", "noiseseed"),
    "width": ("width", "imagewidth"),
    "height": ("height", "imageheight"),
    "model": (
        "model", "basemodel", "basemodelname", "modelname", "modelweights",
        "usestablediffusionmodel", "stablediffusionmodel", "checkpoint",
    ),
    "model_hash": ("modelhash", "basemodelhash"),
    "strength": ("strength", "denoisingstrength", "promptstrength", "initimagecreativity"),
}  # fmt: skip
SAMPLERS = ("sampler", "samplername", "comfyuisampler")
SCHEDULES = ("scheduler", "comfyuischeduler", "noiseschedule", "scheduletype")
SIZES = ("size", "resolution")
# A number in a field's place, and how each program words nothing.
_MODELS = ("model", "lora", "control_model", "ip_adapter_model", "t2i_adapter_model")
_WEIGHTS = ("weight", "control_weight", "strength")
_NOTHING = ("", "none", "null", "[]", "{}")


def plain(key: object) -> str:
    """Return a key without what programs write it differently in."""
    return re.sub(r"[\s_-]", "", str(key)).casefold()


def read(
    table: Table, *, program: str | None, names: Mapping[str, str] | None = None
) -> Parameters:
    """Return what a table says; what has no field is kept under its own key.

    ``names`` are keys of a program's own, by the usual ones.
    """
    keys = {(names or {}).get(str(key), plain(key)): str(key) for key in reversed(list(table))}
    taken: set[str] = set()

    def take(candidates: tuple[str, ...]) -> Any:  # noqa: ANN401
        for name in candidates:
            if name in keys and table[keys[name]] is not None:
                taken.add(keys[name])
                return table[keys[name]]
        return None

    said = {field: take(candidates) for field, candidates in NAMES.items()}
    sampler, schedule = _words(take(SAMPLERS)), _words(take(SCHEDULES))
    if not sampler:  # InvokeAI and diffusers call a sampler so
        sampler, schedule = schedule, ""
    ours, schedule = samplers.nearest(sampler, schedule)
    width, height = whole(said["width"]), whole(said["height"])
    if (width is None or height is None) and (pair := _size(take(SIZES))):
        width, height = pair
    other = {"Schedule type": schedule} if schedule else {}
    return Parameters(
        prompt=_words(said["prompt"]),
        negative_prompt=_words(said["negative_prompt"]),
        steps=whole(said["steps"]),
        sampler=ours.value if ours else sampler or None,
        guidance_scale=decimal(said["guidance_scale"]),
        seed=whole(said["seed"]),
        width=width,
        height=height,
        model=_words(said["model"]) or None,
        model_hash=_words(said["model_hash"]) or None,
        strength=decimal(said["strength"]),
        other=other | others({key: table[key] for key in table if str(key) not in taken}),
        program=program,
    )


def others(table: Table) -> dict[str, str]:
    """Return what has no field, as text, bounded; without what is empty or off."""
    found: dict[str, str] = {}
    for key, value in table.items():
        if len(found) == MAX_OTHERS:
            break
        text = value if isinstance(value, str) else _named(value) or _json(value)
        if _says(value) and text.strip().casefold() not in _NOTHING:
            found[str(key)[:60]] = text if len(text) <= MAX_VALUE else f"{text[:MAX_VALUE]}…"
    return found


def _says(value: object) -> bool:
    """Tell whether anything in a value is on; what is nested too deep to be looked at may be."""
    waiting = [value]
    for _ in range(MAX_OTHERS):
        if not waiting:
            return False
        one = waiting.pop()
        if not isinstance(one, dict | list):
            if one is not False and one is not None and one != "":
                return True
            continue
        waiting += one.values() if isinstance(one, dict) else one
    return True


def _named(value: object) -> str:
    """Return the names of models that a value lists, and their weights; empty of any other."""
    listed = value if isinstance(value, list) else [value]
    tables = [one for one in listed if isinstance(one, dict)]
    found = []
    for one in tables if len(tables) == len(listed) else ():
        model = next((one[key] for key in _MODELS if isinstance(one.get(key), dict | str)), one)
        weight = next((one[key] for key in _WEIGHTS if decimal(one.get(key)) is not None), None)
        found.append(_words(model) + ("" if weight is None else f" ({weight})"))
    return ", ".join(found) if all(name.strip() for name in found) else ""


def filled(first: Parameters, second: Parameters | None) -> Parameters:
    """Return what the first says, and where it says nothing, the second."""
    if second is None:
        return first
    gaps = {
        field: getattr(second, field)
        for field in (*NAMES, "sampler")
        if getattr(first, field) in (None, "")
    }
    return replace(first, **gaps, other={**second.other, **first.other})


def whole(value: object) -> int | None:
    """Return a whole number that may be written as a text or with a fraction of nothing."""
    if isinstance(value, str) and re.fullmatch(rf"\s*-?[0-9]{{1,{MAX_DIGITS}}}(\.0*)?\s*", value):
        return int(value.partition(".")[0])
    if isinstance(value, float) and math.isfinite(value) and value == int(value):
        return int(value) if abs(value) < 10**MAX_DIGITS else None
    if type(value) is int and abs(value) < 10**MAX_DIGITS:
        return value
    return None


def decimal(value: object) -> float | None:
    """Return a finite number that may be written as a text."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(value) if len(str(value)) <= 2 * MAX_DIGITS else math.nan
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _words(value: object) -> str:
    """Return a text, or the name of what a table describes."""
    if isinstance(value, dict):
        names = (value.get(key) for key in ("name", "model_name", "modelName", "key", "label"))
        value = next((name for name in names if isinstance(name, str)), "")
    if isinstance(value, list):
        value = ", ".join(one for one in value if isinstance(one, str))
    return value if isinstance(value, str) else ""


def _size(value: object) -> tuple[int, int] | None:
    if isinstance(value, str):
        found = re.search(r"([0-9]{1,6})\s*[x×*,]\s*([0-9]{1,6})", value)
        return (int(found[1]), int(found[2])) if found else None
    if isinstance(value, list) and len(value) == 2:
        width, height = whole(value[0]), whole(value[1])
        return None if width is None or height is None else (width, height)
    return None


def _json(value: object) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except (ValueError, RecursionError):
        return "…"

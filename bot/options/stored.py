"""Requests as JSON, without loss."""

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from bot.options.registry import OPTIONS
from bot.options.values import OneOf, Prompt
from generation.controls import Control, Reference
from generation.hires import Hires
from generation.prompts.adapters import AdapterUse
from generation.request import GenerationRequest, Uploaded

# Pictures are brought along separately, since they are stored by themselves.
_APART = frozenset(("image", "mask", "control_images", "reference_images"))
# Not written unless said, so that earlier rows read as they did.
_IF_SAID = frozenset(("adapters", "feather", "hires", "tiling", "controls", "references"))


LEFT_OUT = "left_out"  # is no field of a request: what its person brought and it cannot use


def to_json(request: GenerationRequest, left_out: str | None = None) -> str:
    """Return a request's fields; numbers are written so that each reads as itself."""
    said: dict[str, Any] = {}
    for field in fields(request):
        value = getattr(request, field.name)
        if field.name not in _APART and (field.name not in _IF_SAID or value != field.default):
            said[field.name] = asdict(value) if isinstance(value, Hires) else value
    if left_out:
        said[LEFT_OUT] = left_out
    return json.dumps(said, ensure_ascii=False, allow_nan=False)


def from_json(text: str) -> GenerationRequest:
    """Return the request; fields that an older release did not write have their defaults."""
    said: Mapping[str, Any] = json.loads(text)
    if not said["checkpoint"]:
        return Uploaded(width=said["width"], height=said["height"])
    known = {field.name for field in fields(GenerationRequest)}
    values = {name: value for name, value in said.items() if name in known}
    for option in OPTIONS.values():
        if isinstance(option.value, OneOf) and option.request in values:
            values[option.request] = option.value.names(values[option.request])
    if "adapters" in values:
        values["adapters"] = tuple(AdapterUse(*one) for one in values["adapters"])
    if "hires" in values:
        values["hires"] = Hires(**values["hires"])
    if "controls" in values:
        values["controls"] = tuple(Control(*one) for one in values["controls"])
    if "references" in values:
        values["references"] = tuple(Reference(*one) for one in values["references"])
    return GenerationRequest(**values)


def left_out(text: str) -> str | None:
    """Return what was left out of a request that is stored like this."""
    return json.loads(text).get(LEFT_OUT) or None


def words() -> tuple[str, ...]:
    """Return what in a stored request holds a person's words, the prompt first."""
    more = (one.request for one in OPTIONS.values() if isinstance(one.value, Prompt))
    named = (field for field in more if field is not None)
    return ("prompt", "negative_prompt", LEFT_OUT, *named)

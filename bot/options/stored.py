"""Requests as JSON, without loss."""

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from bot.options.registry import OPTIONS
from bot.options.values import OneOf, Prompt
from generation.prompts.adapters import AdapterUse
from generation.request import GenerationRequest, Uploaded

# The source picture is brought along separately, since it is stored by itself.
_APART = frozenset(("image",))


LEFT_OUT = "left_out"  # is no field of a request: what its person brought and it cannot use


def to_json(request: GenerationRequest, left_out: str | None = None) -> str:
    """Return a request's fields; numbers are written so that each reads as itself."""
    kept = (field.name for field in fields(request) if field.name not in _APART)
    said = {name: getattr(request, name) for name in kept}
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
    return GenerationRequest(**values)


def left_out(text: str) -> str | None:
    """Return what was left out of a request that is stored like this."""
    return json.loads(text).get(LEFT_OUT) or None


def words() -> tuple[str, ...]:
    """Return what in a stored request holds a person's words, the prompt first."""
    more = (one.request for one in OPTIONS.values() if isinstance(one.value, Prompt))
    named = (field for field in more if field is not None)
    return ("prompt", "negative_prompt", LEFT_OUT, *named)

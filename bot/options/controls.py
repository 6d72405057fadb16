"""Control nets as the value of an option: ``canny, depth:0.8, tile:0.5:0.2-1``.

Behind a name stand its weight and the part of the steps in which it steers, each where it is not
the usual one.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.options.typography import plain
from bot.options.values import Name
from bot.texts import say
from generation.catalog.controls import ControlModel, find_model
from generation.controls import CONTROL_WEIGHT, MODEL_NAME_LENGTH, MOST_CONTROLS, Control
from generation.errors import InvalidRequest, bounded

USUAL_WEIGHT = 1.0  # of a control that has none
LENGTH = MOST_CONTROLS * (MODEL_NAME_LENGTH + len(":0.125:0.125-0.875, "))

_NUMBER = r"(?:[0-9]{1,3}(?:\.[0-9]{0,6})?|\.[0-9]{1,6})"
_ONE = re.compile(
    rf"(?P<name>[^:]+?)\s*(?::\s*(?P<weight>{_NUMBER})\s*"
    rf"(?::\s*(?P<start>{_NUMBER})\s*[-–]\s*(?P<end>{_NUMBER})\s*)?)?"
)


@dataclass(frozen=True, slots=True)
class Controls(Name):
    """Control nets with their weights; names that only the catalog can validate."""

    def read(self, label: str, text: str) -> str:
        """Return the text if it is written so."""
        checked = Name.check(self, label, text)
        _parsed(label, checked)
        return checked

    def example(self) -> str:
        """Return one with a weight."""
        return "canny:0.8"


def controls_for(
    said: Mapping[str, Any], models: Mapping[str, ControlModel], family: str
) -> tuple[Control, ...]:
    """Return the controls that options ask for; those without a weight have ``control_weight``.

    Raises AdapterUnavailable for a net that there is not, or that is made for another family, and
    InvalidRequest.
    """
    text, usual = said["control"], said.get("control_weight", USUAL_WEIGHT)
    # A file may have any name.
    asked = [(text, None, 0.0, 1.0)] if text in models else _parsed("control", text)
    found = []
    for name, weight, start, end in asked:
        model = find_model(name, models, family)
        weight = usual if weight is None else weight
        found.append(Control(model.name, weight, start, end, model.preprocess))
    return tuple(found)


def written(controls: Iterable[Control]) -> dict[str, Any]:
    """Return the options that ask for these, of which there is at least one."""
    first, *others = controls
    if not others and (first.start, first.end) == (0.0, 1.0):
        return {"control": first.name, "control_weight": first.weight}
    parts = (f"{one.name}:{one.weight:g}{_window(one)}" for one in (first, *others))
    return {"control": ", ".join(parts)}


def _window(control: Control) -> str:
    if (control.start, control.end) == (0.0, 1.0):
        return ""
    return f":{control.start:g}-{control.end:g}"


def _parsed(label: str, text: str) -> list[tuple[str, float | None, float, float]]:
    """Return the names that a text asks for, each with its weight, if it has one, and its steps."""
    parts = [one.strip() for one in text.split(",") if one.strip()]
    if not parts or len(parts) > MOST_CONTROLS:
        raise InvalidRequest(label, say("bound-controls-written", most=str(MOST_CONTROLS)))
    found = []
    for part in parts:
        read = _ONE.fullmatch(plain(part)) or _ONE.fullmatch(part)
        if read is None:
            raise InvalidRequest(label, say("bound-controls-written", most=str(MOST_CONTROLS)))
        weight = None if read["weight"] is None else float(read["weight"])
        if weight is not None:
            bounded(label, weight, CONTROL_WEIGHT)
        start, end = float(read["start"] or 0), float(read["end"] or 1)
        if not 0 <= start < end <= 1:
            raise InvalidRequest(label, say("bound-controls-window"))
        found.append((read["name"], weight, start, end))
    return found

"""Modals: from what a person filled in to what the bot hears of it."""

from collections.abc import Mapping, Sequence
from typing import Any

from playground.checks.refusals import NotPossible
from playground.interactions import menus
from playground.interactions.invocations import Resolver
from playground.messages.components import SELECTS, Kind

Json = dict[str, Any]


def fill(modal: Json, values: Mapping[str, str | list[str]], resolver: Resolver) -> Json:
    """Give the `data` of a modal that is sent, its fields filled in by custom id.

    Raises NotPossible for what Discord's client would not send.
    """
    rows = [_row(row, values, resolver) for row in modal["components"]]
    data: Json = {"custom_id": modal["custom_id"], "components": rows}
    if resolver.resolved:
        data["resolved"] = resolver.resolved
    return data


def _row(row: Json, values: Mapping[str, str | list[str]], resolver: Resolver) -> Json:
    answer: Json = {"type": row["type"], "id": row["id"]}
    if row["type"] == Kind.LABEL:
        return answer | {"component": _field(row["component"], row["label"], values, resolver)}
    if row["type"] == Kind.TEXT_DISPLAY:
        return answer
    fields = [_field(f, f["label"], values, resolver) for f in row["components"]]
    return answer | {"components": fields}


def _field(
    field: Json, label: str, values: Mapping[str, str | list[str]], resolver: Resolver
) -> Json:
    custom_id = field["custom_id"]
    answer: Json = {"type": field["type"], "id": field["id"], "custom_id": custom_id}
    if field["type"] in SELECTS:
        given = values.get(custom_id, menus.preset(field))
        return answer | {"values": _selected(field, label, given, resolver)}
    value = str(values.get(custom_id, field.get("value") or ""))
    if field.get("required", True) and not value:
        raise NotPossible(f"{label}: This field is required.")
    low, high = field.get("min_length") or 0, field.get("max_length") or 4000
    if value and not low <= len(value) <= high:
        raise NotPossible(f"{label}: Between {low} and {high} characters; this has {len(value)}.")
    return answer | {"value": value}


def _selected(field: Json, label: str, given: Sequence[str], resolver: Resolver) -> list[str]:
    wanted = [given] if isinstance(given, str) else list(given)
    if not wanted and not field.get("required", True):
        return []
    try:
        return menus.chosen(field, wanted, resolver)
    except NotPossible as error:
        raise NotPossible(f"{label}: {error}") from error

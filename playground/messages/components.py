"""Buttons, select menus and modals: Discord's limits on them, and finding one again.

Limits are from the API reference, "Component Reference".
"""

from collections.abc import Iterator
from enum import IntEnum
from typing import Any

from playground.checks import schemas
from playground.checks.refusals import FormErrors, Unsupported

Json = dict[str, Any]


class Kind(IntEnum):
    """Component types."""

    ACTION_ROW = 1
    BUTTON = 2
    STRING_SELECT = 3
    TEXT_INPUT = 4
    USER_SELECT = 5
    ROLE_SELECT = 6
    MENTIONABLE_SELECT = 7
    CHANNEL_SELECT = 8
    TEXT_DISPLAY = 10
    LABEL = 18


SELECTS = frozenset(
    {
        Kind.STRING_SELECT,
        Kind.USER_SELECT,
        Kind.ROLE_SELECT,
        Kind.MENTIONABLE_SELECT,
        Kind.CHANNEL_SELECT,
    }
)
LINK_STYLE, PREMIUM_STYLE = 5, 6


def walk(components: list[Json]) -> Iterator[Json]:
    """Go through all components, rows and what is in them."""
    for component in components:
        yield component
        yield from walk(component.get("components", []))
        if inner := component.get("component"):
            yield from walk([inner])


def find(components: list[Json], wanted: str) -> Json | None:
    """Find the button or select menu with that custom id, label or emoji."""
    leaves = [c for c in walk(components) if c.get("type") != Kind.ACTION_ROW]
    for key in ("custom_id", "label"):
        for component in leaves:
            if component.get(key) == wanted:
                return component
    return next((c for c in leaves if (c.get("emoji") or {}).get("name") == wanted), None)


def complete(components: list[Json]) -> list[Json]:
    """Fill in what Discord adds to components: an `id` counted from 1, and a menu's bounds.

    Ids of people, roles and channels come back as strings, whatever they came as.
    """
    for position, component in enumerate(walk(components), start=1):
        component.setdefault("id", position)
        if component.get("type") in SELECTS:
            component["min_values"], component["max_values"] = _bounds(component)
        for shown in (component, *(component.get("options") or [])):
            if emoji := shown.get("emoji"):
                # An emoji of Unicode has no id, but may be sent with a null for one.
                shown["emoji"] = {k: v for k, v in emoji.items() if v is not None}
        for default in component.get("default_values") or []:
            default["id"] = str(default["id"])
    return components


def check_message(components: list[Json], errors: FormErrors, path: str) -> None:
    """Note what Discord would not take in a message's components."""
    errors.length(path, components, 0, 5)
    seen: set[str] = set()
    for index, row in enumerate(components):
        where = f"{path}.{index}"
        if row.get("type") != Kind.ACTION_ROW:
            raise Unsupported(f"a message component of type {row.get('type')} outside a row")
        _check_row(row.get("components", []), errors, f"{where}.components", seen)


def _check_row(children: list[Json], errors: FormErrors, path: str, seen: set[str]) -> None:
    for index, child in enumerate(children):
        where = f"{path}.{index}"
        if child["type"] == Kind.BUTTON:
            _check_button(child, errors, where)
        else:
            _check_select(child, errors, where)
            if len(children) > 1:
                errors.add(
                    where,
                    "COMPONENT_LAYOUT_WIDTH_EXCEEDED",
                    "The specified component exceeds the maximum width",
                )
        _check_custom_id(child, errors, where, seen)


def _check_custom_id(child: Json, errors: FormErrors, where: str, seen: set[str]) -> None:
    custom_id = child.get("custom_id")
    if custom_id is None:
        if child.get("style") not in (LINK_STYLE, PREMIUM_STYLE):
            errors.required(f"{where}.custom_id")
        return
    if custom_id in seen:
        errors.add(
            f"{where}.custom_id",
            "COMPONENT_CUSTOM_ID_DUPLICATED",
            "Component custom id cannot be duplicated",
        )
    seen.add(custom_id)


def _check_button(button: Json, errors: FormErrors, where: str) -> None:
    if button["style"] == PREMIUM_STYLE:
        raise Unsupported("a premium button")
    link = button["style"] == LINK_STYLE
    if link != bool(button.get("url")) or link == bool(button.get("custom_id")):
        errors.add(
            where,
            "BUTTON_COMPONENT_INVALID_URL_AND_CUSTOM_ID",
            "A link button has a url and no custom id, any other a custom id and no url",
        )
    if not button.get("label") and not button.get("emoji"):
        errors.add(where, "BUTTON_COMPONENT_INVALID", "A button must have a label or an emoji")


def _bounds(select: Json) -> tuple[int, int]:
    """Tell how few and how many values a menu takes; either may be left to Discord."""
    given = select.get("min_values"), select.get("max_values")
    low, high = (1 if value is None else value for value in given)
    return low, high


def _check_select(select: Json, errors: FormErrors, where: str) -> None:
    low, high = _bounds(select)
    if low > high:
        errors.add(f"{where}.max_values", "NUMBER_TYPE_MIN", f"Must be {low} or more.")
    if select["type"] == Kind.STRING_SELECT:
        _check_options(select, errors, where)
    else:
        _check_default_values(select, errors, where)


def _check_default_values(select: Json, errors: FormErrors, where: str) -> None:
    """Check the people, roles or channels that a menu comes with."""
    defaults = select.get("default_values") or []
    errors.longest(f"{where}.default_values", defaults, _bounds(select)[1])


def _check_options(select: Json, errors: FormErrors, where: str) -> None:
    options = select["options"]
    high = _bounds(select)[1]
    errors.length(f"{where}.options", options, high, 25)
    values: set[str] = set()
    for index, option in enumerate(options):
        here = f"{where}.options.{index}"
        if option.get("value") in values:
            errors.add(
                f"{here}.value",
                "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED",
                "The specified option value is already used",
            )
        values.add(option.get("value", ""))
    if sum(bool(option.get("default")) for option in options) > high:
        errors.add(
            f"{where}.options",
            "SELECT_COMPONENT_INVALID_DEFAULT_VALUES",
            "More options are selected by default than the menu takes",
        )


def check_modal(modal: Json, errors: FormErrors, path: str) -> None:
    """Note what Discord would not take in a modal."""
    schemas.FORM.check(modal, errors, path)
    if errors.tree:
        return
    rows = modal["components"]
    seen: set[str] = set()
    for index, row in enumerate(rows):
        where = f"{path}.components.{index}"
        if row["type"] == Kind.TEXT_DISPLAY:
            continue
        if row["type"] == Kind.LABEL:
            field, where = row["component"], f"{where}.component"
        else:
            errors.length(f"{where}.components", row["components"], 1, 1)
            field, where = row["components"][0], f"{where}.components.0"
            errors.length(f"{where}.label", field.get("label") or "", 1, 45)
        _check_modal_field(field, errors, where)
        _check_custom_id(field, errors, where, seen)


def _check_modal_field(field: Json, errors: FormErrors, where: str) -> None:
    kind = field.get("type")
    if kind in SELECTS:
        _check_select(field, errors, where)
        if field.get("disabled"):
            message = "Menus in a modal cannot be disabled"
            errors.add(f"{where}.disabled", "COMPONENT_DISABLED_IN_MODAL", message)
    elif kind == Kind.TEXT_INPUT:
        _check_text_input(field, errors, where)
    else:
        raise Unsupported(f"a modal field of type {kind}")


def _check_text_input(field: Json, errors: FormErrors, where: str) -> None:
    low, high = field.get("min_length") or 0, field.get("max_length") or 4000
    if low > high:
        errors.add(f"{where}.max_length", "NUMBER_TYPE_MIN", f"Must be {low} or more.")
    # An empty value is none; any other has to fit the field that it is put into.
    if value := field.get("value"):
        errors.length(f"{where}.value", value, low, high)

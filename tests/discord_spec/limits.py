"""What Discord asks of messages and forms beyond the schemas: what holds between values.

From the API reference: "Message Object", "Embed Limits", "Component Reference", "Interaction
Callback Data Structure". Commands are in `command_limits.py`.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]

ROW, BUTTON, STRING_SELECT, TEXT_INPUT, TEXT_DISPLAY, LABEL = 1, 2, 3, 4, 10, 18
SELECTS = {3, 5, 6, 7, 8}
LINK, PREMIUM = 5, 6
COMPONENTS_V2 = 1 << 15


def of_message(body: Json, uploads: int = 0, *, new: bool) -> Iterator[str]:
    """Say what is wrong with a message that is `new`, or with a change of one."""
    content = body.get("content") or ""
    if len(content) > 2000:
        yield f"content: {len(content)} characters, 2000 are allowed"
    shown = [body.get(key) for key in ("embeds", "components", "sticker_ids", "poll")]
    if new and not content.strip() and not any(shown) and not uploads:
        yield "the message is empty"
    yield from _embeds(body.get("embeds") or [])
    if not (body.get("flags") or 0) & COMPONENTS_V2:
        yield from _rows(body.get("components") or [])
    yield from _attachments(body.get("attachments") or [], uploads)
    mentions = body.get("allowed_mentions") or {}
    for kind in ("users", "roles"):
        if mentions.get(kind) and kind in (mentions.get("parse") or []):
            yield f"allowed_mentions: all {kind} and single ones"


def _attachments(listed: list[Json], uploads: int) -> Iterator[str]:
    ids = [str(one.get("id")) for one in listed]
    yield from _twice("attachments", ids)
    if uploads > 10:
        yield f"{uploads} files, 10 are allowed"
    for given in ids:
        # A number as small as this names a file of the same request.
        if given.isdecimal() and uploads <= int(given) < 100:
            yield f"attachments: file {given} is not among the {uploads} that come along"


def _embeds(embeds: list[Json]) -> Iterator[str]:
    total = 0
    for index, embed in enumerate(embeds):
        texts = [embed.get("title"), embed.get("description")]
        texts += [(embed.get("footer") or {}).get("text"), (embed.get("author") or {}).get("name")]
        for field in embed.get("fields") or []:
            for key in ("name", "value"):
                texts.append(field.get(key))
                if not (field.get(key) or "").strip():
                    yield f"embeds.{index}: a field without a {key}"
        total += sum(len(text or "") for text in texts)
        if not any(embed.get(key) for key in embed.keys() - {"type", "color", "timestamp", "url"}):
            yield f"embeds.{index}: empty"
    if total > 6000:
        yield f"embeds: {total} characters together, 6000 are allowed"


def _rows(rows: list[Json]) -> Iterator[str]:
    if len(rows) > 5:
        yield f"components: {len(rows)} rows, 5 are allowed"
    leaves = []
    for index, row in enumerate(rows):
        if row.get("type") != ROW:
            yield f"components.{index}: only rows lie at the top"
            continue
        children = row.get("components") or []
        leaves += children
        if len(children) > 1 and any(child.get("type") in SELECTS for child in children):
            yield f"components.{index}: a menu has its row for itself"
        if len(children) > 5:
            yield f"components.{index}: {len(children)} buttons, 5 are allowed"
    yield from _twice("components: custom_id", [leaf.get("custom_id") for leaf in leaves])
    for leaf in leaves:
        yield from _button(leaf) if leaf.get("type") == BUTTON else _select(leaf)


def _button(button: Json) -> Iterator[str]:
    name = f"button {button.get('label')!r}"
    if not button.get("label") and not button.get("emoji") and button.get("style") != PREMIUM:
        yield f"{name}: neither a label nor an emoji"
    wanted = {LINK: "url", PREMIUM: "sku_id"}.get(button.get("style") or 0, "custom_id")
    for key in ("url", "sku_id", "custom_id"):
        if bool(button.get(key)) != (key == wanted):
            yield f"{name}: {'without' if key == wanted else 'with'} {key}"
    if button.get("url") and not button["url"].startswith(("https://", "http://", "discord://")):
        yield f"{name}: a url of no scheme that Discord opens"


def _select(select: Json) -> Iterator[str]:
    name = f"menu {select.get('custom_id')!r}"
    fewest, most = select.get("min_values"), select.get("max_values")
    fewest, most = 1 if fewest is None else fewest, 1 if most is None else most
    if fewest > most:
        yield f"{name}: at least {fewest} and at most {most} values"
    options = select.get("options") or []
    if select.get("type") == STRING_SELECT:
        if len(options) < most:
            yield f"{name}: {most} of {len(options)} options"
        yield from _twice(f"{name}: value", [option.get("value") for option in options])
    chosen = [option for option in options if option.get("default")]
    if len(chosen) + len(select.get("default_values") or []) > most:
        yield f"{name}: more are chosen from the start than can be"


def of_form(form: Json) -> Iterator[str]:
    """Say what is wrong with a form (a modal)."""
    rows = form.get("components") or []
    if len(rows) > 5:
        yield f"components: {len(rows)}, 5 are allowed"
    fields = []
    for index, row in enumerate(rows):
        if row.get("type") == LABEL:
            fields.append(row.get("component") or {})
        elif row.get("type") == ROW:
            inner = row.get("components") or []
            fields += inner
            if len(inner) != 1 or not inner[0].get("label"):
                yield f"components.{index}: a row in a form holds one field, with a label"
    yield from _twice("custom_id", [field.get("custom_id") for field in fields])
    for field in fields:
        if field.get("type") == TEXT_INPUT:
            yield from _text_input(field)
        elif field.get("type") in SELECTS:
            yield from _select(field)
            if field.get("disabled"):
                yield f"menu {field.get('custom_id')!r}: disabled in a form"


def _text_input(field: Json) -> Iterator[str]:
    name = f"field {field.get('custom_id')!r}"
    fewest, most = field.get("min_length") or 0, field.get("max_length") or 4000
    if fewest > most:
        yield f"{name}: at least {fewest} and at most {most} characters"
    value = field.get("value") or ""
    if value and not fewest <= len(value) <= most:
        yield f"{name}: filled in with {len(value)} characters, {fewest} to {most} are allowed"


def of_choices(choices: list[Json]) -> Iterator[str]:
    """Say what is wrong with suggestions for an option."""
    for choice in filter(None, choices):
        value = choice.get("value")
        if isinstance(value, str) and not 1 <= len(value) <= 100:
            yield f"choice {choice.get('name')!r}: a value of {len(value)} characters"


def _twice(what: str, values: list[Any]) -> Iterator[str]:
    for value, times in Counter(value for value in values if value is not None).items():
        if times > 1:
            yield f"{what}: {value!r} {times} times"

"""NovelAI: texts of their own in a PNG, or all of them in one JSON object. Imports no torch."""

from typing import Any

from generation.metadata import fields
from generation.metadata.containers import Texts, json_object
from generation.metadata.infotext import Parameters

PROGRAM = "NovelAI"
# What has been put into the prompts already, or says nothing about the picture.
_ASIDE = ("v4_prompt", "v4_negative_prompt", "signed_hash", "request_type", "n_samples", "version")


def parse(texts: Texts) -> Parameters | None:
    """Return what the Comment says, and the Description where it has no prompt."""
    description, source = texts.get("Description"), texts.get("Source")
    ours = texts.get("Software").casefold() == "novelai"
    for _, table in texts.objects:
        if isinstance(table.get("Comment"), str | dict) and "Description" in table:
            description, source = _text(table, "Description"), _text(table, "Source")
            comment = table["Comment"]
            inner = json_object(comment) if isinstance(comment, str) else comment
            return _read(inner or {}, description, source)
        if ("uc" in table and "c" not in table) or (ours and "prompt" in table):
            return _read(table, description if ours else "", source)
    return _read({}, description, source) if ours else None


def _read(table: dict[str, Any], description: str, source: str) -> Parameters:
    known = {key: value for key, value in table.items() if key not in _ASIDE}
    prompt = _caption(table.get("v4_prompt")) or table.get("prompt") or description
    negative = _caption(table.get("v4_negative_prompt")) or table.get("uc") or ""
    known |= {"prompt": prompt, "uc": negative, "model": source or None}
    if type(known.get("strength")) in (int, float) and "image" not in known:
        known.pop("noise", None)
    return fields.read(known, program=PROGRAM)


def _caption(value: object) -> str:
    """Return the caption of the whole and those of the characters."""
    caption = value.get("caption") if isinstance(value, dict) else None
    if not isinstance(caption, dict):
        return ""
    characters = caption.get("char_captions")
    listed = characters if isinstance(characters, list) else []
    each = (one.get("char_caption") for one in listed if isinstance(one, dict))
    parts = (caption.get("base_caption"), *each)
    return ", ".join(part for part in parts if isinstance(part, str) and part.strip())


def _text(table: dict[str, Any], key: str) -> str:
    value = table.get(key)
    return value if isinstance(value, str) else ""

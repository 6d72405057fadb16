"""What somebody wants to post or change: a message's body, checked as Discord checks it."""

from dataclasses import dataclass, field
from typing import Any

from playground import components, mentions
from playground.bodies import Body
from playground.files import Upload
from playground.refusals import FormErrors, Unsupported

Json = dict[str, Any]

SUPPRESS_EMBEDS = 1 << 2
EPHEMERAL = 1 << 6
LOADING = 1 << 7
SILENT = 1 << 12
COMPONENTS_V2 = 1 << 15

_EMBED_LIMITS = {"title": 256, "description": 4096}
_EMBED_TOTAL = 6000


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One line of `attachments`: a file to keep, by its id, or a new one, by its upload's index."""

    id: int
    filename: str | None
    description: str | None
    spoiler: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """A message to be made, or a change to one; None is what the body does not mention."""

    content: str | None = None
    embeds: list[Json] | None = None
    components: list[Json] | None = None
    entries: list[FileEntry] | None = None
    uploads: dict[int, Upload] = field(default_factory=dict)
    flags: int = 0
    allowed_mentions: Json | None = None
    nonce: str | None = None
    enforce_nonce: bool = False
    reply_to: int | None = None
    tts: bool = False


def read(body: Body, fields: Json | None = None, *, under: str = "") -> Draft:
    """Check a message's body and make a draft of it.

    `fields` is the part of the body that is the message, when it is not the whole, and `under`
    is where that part lies (`data.` in an interaction's answer). Raises Refusal 50035 with
    everything that is wrong, in Discord's nested shape.
    """
    fields = body.fields if fields is None else fields
    errors = FormErrors()
    for unsupported in ("poll", "sticker_ids", "thread_name"):
        if fields.get(unsupported):
            raise Unsupported(f"a message with {unsupported}")
    flags = int(fields.get("flags") or 0)
    if flags & COMPONENTS_V2:
        raise Unsupported("a message made of components version 2")
    content = _text(fields, errors, under)
    embeds = _listed(fields, "embeds")
    _check_embeds(embeds or [], errors, f"{under}embeds")
    rows = _listed(fields, "components")
    components.check_message(rows or [], errors, f"{under}components")
    entries = _entries(fields, body.files, errors, under)
    mentions.check(fields.get("allowed_mentions"), errors)
    nonce = fields.get("nonce")
    if nonce is not None:
        errors.longest(f"{under}nonce", str(nonce), 25)
    errors.raise_if_any()
    reference = fields.get("message_reference") or {}
    return Draft(
        content,
        embeds,
        components.complete(rows) if rows is not None else None,
        entries,
        body.files,
        flags,
        fields.get("allowed_mentions"),
        None if nonce is None else str(nonce),
        bool(fields.get("enforce_nonce")),
        int(reference["message_id"]) if reference.get("message_id") else None,
        bool(fields.get("tts")),
    )


def _text(fields: Json, errors: FormErrors, under: str) -> str | None:
    if "content" not in fields:
        return None
    content = fields["content"] or ""
    if not isinstance(content, str):
        errors.add(f"{under}content", "BASE_TYPE_STRING", "Could not interpret as a string.")
        return None
    # Discord strips the white space around a message.
    content = content.strip()
    errors.longest(f"{under}content", content, 2000)
    return content


def _listed(fields: Json, key: str) -> list[Json] | None:
    """Take a list; null empties it, absence leaves it as it is."""
    return None if key not in fields else list(fields[key] or [])


def _entries(
    fields: Json, uploads: dict[int, Upload], errors: FormErrors, under: str
) -> list[FileEntry] | None:
    listed = _listed(fields, "attachments")
    path = f"{under}attachments"
    errors.longest(path, listed or [], 10)
    errors.longest(path, uploads, 10)
    if listed is None:
        return None
    entries = []
    for index, item in enumerate(listed):
        if item.get("id") is None:
            errors.required(f"{path}.{index}.id")
            continue
        errors.longest(f"{path}.{index}.description", item.get("description") or "", 1024)
        entries.append(
            FileEntry(
                int(item["id"]),
                item.get("filename"),
                item.get("description"),
                bool(item.get("is_spoiler")),
            )
        )
    mentioned = {entry.id for entry in entries}
    # A file that `attachments` does not mention is kept as it came.
    entries += [FileEntry(i, None, None) for i in uploads if i not in mentioned]
    return entries


def _check_embeds(embeds: list[Json], errors: FormErrors, path: str) -> None:
    errors.longest(path, embeds, 10)
    total = 0
    for index, embed in enumerate(embeds):
        total += _check_embed(embed, errors, f"{path}.{index}")
    if total > _EMBED_TOTAL:
        message = f"Embed size exceeds maximum size of {_EMBED_TOTAL}"
        errors.add(path, "MAX_EMBED_SIZE_EXCEEDED", message)


def _check_embed(embed: Json, errors: FormErrors, where: str) -> int:
    """Note what is wrong with one embed and give the number of characters in it."""
    footer = (embed.get("footer") or {}).get("text") or ""
    author = (embed.get("author") or {}).get("name") or ""
    errors.longest(f"{where}.footer.text", footer, 2048)
    errors.longest(f"{where}.author.name", author, 256)
    total = len(footer) + len(author)
    for key, limit in _EMBED_LIMITS.items():
        text = embed.get(key) or ""
        errors.longest(f"{where}.{key}", text, limit)
        total += len(text)
    fields = embed.get("fields") or []
    errors.longest(f"{where}.fields", fields, 25)
    for index, item in enumerate(fields):
        for key, limit in (("name", 256), ("value", 1024)):
            text = item.get(key) or ""
            if not text:
                errors.required(f"{where}.fields.{index}.{key}")
            errors.longest(f"{where}.fields.{index}.{key}", text, limit)
            total += len(text)
    if not embed.keys() - {"type", "color", "flags"}:
        errors.required(f"{where}.description")
    return total

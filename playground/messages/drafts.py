"""What somebody wants to post or change: a message's body, checked as Discord checks it."""

from dataclasses import dataclass, field
from typing import Any

from playground.checks import schemas
from playground.checks.refusals import FormErrors, Unsupported
from playground.messages import components, mentions
from playground.messages.files import Upload
from playground.wire.bodies import Body

Json = dict[str, Any]

SUPPRESS_EMBEDS = 1 << 2
EPHEMERAL = 1 << 6
LOADING = 1 << 7
SILENT = 1 << 12
COMPONENTS_V2 = 1 << 15

_NOTHING_BY_ITSELF = {"type", "color", "flags", "timestamp", "url"}
_EMBED_TOTAL = 6000
_SMALLEST_ID = 1 << 22  # less than this is no snowflake: it names a file of the same request


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
    schemas.MESSAGE.check(fields, errors, under.removesuffix("."))
    errors.raise_if_any()
    flags = int(fields.get("flags") or 0)
    if flags & COMPONENTS_V2:
        raise Unsupported("a message made of components version 2")
    content = _text(fields)
    embeds = _listed(fields, "embeds")
    _check_embeds(embeds or [], errors, f"{under}embeds")
    rows = _listed(fields, "components")
    components.check_message(rows or [], errors, f"{under}components")
    entries = _entries(fields, body.files, errors, under)
    mentions.check(fields.get("allowed_mentions"), errors)
    errors.raise_if_any()
    nonce = fields.get("nonce")
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


def _text(fields: Json) -> str | None:
    if "content" not in fields:
        return None
    content = fields["content"] or ""
    # Discord strips the white space around a message.
    return content.strip()


def _listed(fields: Json, key: str) -> list[Json] | None:
    """Take a list; null empties it, absence leaves it as it is."""
    return None if key not in fields else list(fields[key] or [])


def _entries(
    fields: Json, uploads: dict[int, Upload], errors: FormErrors, under: str
) -> list[FileEntry] | None:
    listed = _listed(fields, "attachments")
    errors.longest(f"{under}attachments", uploads, 10)
    if listed is None:
        return None
    entries = [
        FileEntry(
            int(item["id"]),
            item.get("filename"),
            item.get("description"),
            bool(item.get("is_spoiler")),
        )
        for item in listed
    ]
    mentioned = {entry.id for entry in entries}
    if len(mentioned) < len(entries):
        message = "The set already contains this value"
        errors.add(f"{under}attachments", "SET_TYPE_ALREADY_CONTAINS_VALUE", message)
    for index, entry in enumerate(entries):
        if entry.id < _SMALLEST_ID and entry.id not in uploads:
            message = f"No file {entry.id} came along"
            errors.add(f"{under}attachments.{index}.id", "ATTACHMENT_NOT_FOUND", message)
    # A file that `attachments` does not mention is kept as it came.
    entries += [FileEntry(i, None, None) for i in uploads if i not in mentioned]
    return entries


def _check_embeds(embeds: list[Json], errors: FormErrors, path: str) -> None:
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
    total = len(footer) + len(author)
    total += sum(len(embed.get(key) or "") for key in ("title", "description"))
    for index, item in enumerate(embed.get("fields") or []):
        for key in ("name", "value"):
            if not item[key].strip():
                errors.required(f"{where}.fields.{index}.{key}")
            total += len(item[key])
    if not any(embed.get(key) for key in embed.keys() - _NOTHING_BY_ITSELF):
        errors.required(f"{where}.description")
    return total

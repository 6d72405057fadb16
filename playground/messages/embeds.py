"""Embeds: what Discord adds to those that a bot sends."""

import re
from typing import Any

from playground.messages.files import Attachment

Json = dict[str, Any]

_ATTACHED = re.compile(r"attachment://(.+)")
_PICTURES = ("image", "thumbnail")
_ICONS = ("author", "footer")


def addresses(embed: Json) -> set[str | None]:
    """Give the addresses of everything that an embed shows."""
    shown = {(embed.get(key) or {}).get("url") for key in _PICTURES}
    return shown | {(embed.get(key) or {}).get("icon_url") for key in _ICONS}


def finished(embed: Json, attachments: list[Attachment]) -> Json:
    """Fill in what Discord adds to an embed, such as the addresses of attached pictures."""
    done = {"type": "rich", **embed}
    if fields := embed.get("fields"):
        done["fields"] = [{"inline": False, **field} for field in fields]
    for key in _PICTURES:
        if isinstance(media := done.get(key), dict):
            attachment = _attached(media.get("url"), attachments)
            if attachment is not None:
                whole = attachment.payload()
                wanted = ("url", "proxy_url", "width", "height")
                media = {k: whole[k] for k in wanted if k in whole}
            done[key] = {"proxy_url": media.get("url"), **media}
    for key in _ICONS:
        if isinstance(line := done.get(key), dict) and line.get("icon_url"):
            attachment = _attached(line["icon_url"], attachments)
            address = attachment.url if attachment else line["icon_url"]
            done[key] = {**line, "icon_url": address, "proxy_icon_url": address}
    return done


def _attached(url: str | None, attachments: list[Attachment]) -> Attachment | None:
    match = _ATTACHED.fullmatch(url or "")
    return next((a for a in attachments if match and a.filename == match[1]), None)

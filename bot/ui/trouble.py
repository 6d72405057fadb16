"""Classifies errors between us and Discord, and describes them in one line."""

import html
import logging
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeGuard

import aiohttp
import discord

log = logging.getLogger(__name__)

# The last three are what discord.py raises for a response that is not Discord's, such as an HTML
# page with status 200, or truncated JSON.
TROUBLE = (
    discord.DiscordException,
    aiohttp.ClientError,
    OSError,
    ValueError,
    TypeError,
    KeyError,
)
LINE_LENGTH = 200
RATE_LIMITED = 429

# Discord's error codes, from its API reference.
UNKNOWN_MESSAGE, ALREADY_ACKNOWLEDGED = 10008, 40060
BLOCKED_BY_AUTOMOD = (200000, 200001, 240000)

_PAGE_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_CLOUDFLARE = re.compile(r"error code:?\s*(\d{3,4})", re.IGNORECASE)


def describe(error: BaseException) -> str:
    """Return one line of at most LINE_LENGTH characters, in Discord's own words if it sent any."""
    if isinstance(error, discord.HTTPException):
        text = error.text if is_discords_own(error) and error.text else _foreign(error)
    elif isinstance(error, discord.GatewayNotFound) and error.__cause__ is not None:
        return describe(error.__cause__)
    elif isinstance(error, TimeoutError):
        text = "it does not answer in time"
    elif isinstance(error, KeyError | TypeError | ValueError):
        log.debug("an answer that makes no sense", exc_info=error)  # or a bug of ours
        text = "its answer makes no sense"
    else:
        text = str(error)
    return shorten(text) or type(error).__name__


def shorten(text: str, length: int = LINE_LENGTH) -> str:
    """Return any text as one line of at most ``length`` characters."""
    line = " ".join(text[: 20 * length].split())
    return line if len(line) <= length else line[: length - 1] + "…"


def is_discords_own(error: discord.HTTPException) -> bool:
    """Tell whether Discord itself responded, not something in between such as Cloudflare."""
    kind = getattr(error.response, "content_type", "application/json")
    return kind == "application/json"


def is_final(error: BaseException) -> TypeGuard[discord.HTTPException]:
    """Tell whether Discord refused this and would refuse it again."""
    return (
        isinstance(error, discord.HTTPException)
        and error.status < 500
        and error.status != RATE_LIMITED
        and is_discords_own(error)
    )


def retry_after(error: BaseException | None) -> float:
    """Return the seconds we are asked to wait, 0 if unspecified."""
    if isinstance(error, discord.RateLimited):
        return error.retry_after
    if isinstance(error, discord.GatewayNotFound):
        return retry_after(error.__cause__)
    if isinstance(error, discord.HTTPException):
        headers = getattr(error.response, "headers", None)
    else:
        headers = getattr(error, "headers", None)  # of a refused handshake in aiohttp
    given = "" if headers is None else headers.get("Retry-After", "")
    try:
        return max(0.0, float(given))
    except ValueError:
        return _seconds_until(given)


def _seconds_until(date: str) -> float:
    """Return the seconds until an HTTP date, 0 if it is not one."""
    try:
        at = parsedate_to_datetime(date)
    except ValueError:
        return 0.0
    return max(
        0.0, ((at if at.tzinfo else at.replace(tzinfo=UTC)) - datetime.now(UTC)).total_seconds()
    )


def _foreign(error: discord.HTTPException) -> str:
    """Describe a response that is not Discord's by its status and its page's title."""
    status = f"{error.status} {getattr(error.response, 'reason', None) or ''}".strip()
    named = _CLOUDFLARE.search(error.text) or _PAGE_TITLE.search(error.text)
    if named is None:
        return status
    return f"{status} ({html.unescape(named[0] if named.re is _CLOUDFLARE else named[1]).strip()})"

"""Logging: levels, formats, and redaction of tokens."""

import json
import logging
import re
from copy import copy
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from generation.log_context import JOB, SHARD, lane

# Whoever has an interaction's token can post in our name. It is part of the URLs we call, and of
# gateway events, which discord.py logs at DEBUG.
IN_ADDRESS = re.compile(r"((?:webhooks|interactions)/\d+/)[^/\s?'\"]+")
IN_EVENT = re.compile(r"""(\\?["']token\\?["']: ?\\?["'])[^"'\\]+""")
# A bot token: its id, its creation time, and a signature, all in base64.
BOTS_OWN = re.compile(r"[\w-]{18,}\.[\w-]{6,}\.[\w-]{27,}")


# discord.py's logger while it connects to the gateway.
RECONNECTING = "discord.shard"
_SHARD_NAMED = re.compile(r"\bshard(?: ID|_id:)? (\d+)", re.IGNORECASE)
LONGEST_LINE = 2000
WHY_LENGTH = 200


class LogFormat(StrEnum):
    """The format of a line: for people, or one JSON object for a program."""

    TEXT = "text"
    JSON = "json"


def redact(text: str) -> str:
    """Return the text with ``…`` in place of tokens."""
    text = IN_EVENT.sub(r"\1…", IN_ADDRESS.sub(r"\1…", text))
    return BOTS_OWN.sub("…", text)


# What breaks or rewrites a line on a terminal: controls, line ends, and writing directions.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    r"""Return the text on one line, with invisible characters escaped, as ``\x1b``."""
    return _UNPRINTABLE.sub(lambda one: one[0].encode("unicode_escape").decode(), text)


class TextLines(logging.Formatter):
    """One line for people, with job, shard and lane if any; no tokens, not even in tracebacks."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s%(about)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        record = copy(record)  # other handlers get the original
        record.about = "".join(f" {name}={value}" for name, value in _named(record))
        record.exc_text = None
        return redact(cut(super().format(record)))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """Return the line without characters that could forge others."""
        record.message = printable(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: Any) -> str:  # noqa: ANN401, N802 - logging's
        """Return a traceback, indented, so that none of its lines looks like a log line."""
        lines = super().formatException(ei).split("\n")
        return "\n".join("  " + printable(line) for line in lines)


class JsonLines(logging.Formatter):
    """One JSON object per line: time (ISO 8601, UTC), level, logger, message.

    Also job, shard, lane and exception, each if there is one. No tokens.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, str | int] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": redact(cut(record.getMessage())),
        }
        line |= _named(record)
        if record.exc_info:
            line["exception"] = redact(cut(self.formatException(record.exc_info)))
        text = json.dumps(line, ensure_ascii=False)
        return _UNPRINTABLE.sub(lambda one: f"\\u{ord(one[0]):04x}", text)


FORMATTERS: dict[LogFormat, type[logging.Formatter]] = {
    LogFormat.TEXT: TextLines,
    LogFormat.JSON: JsonLines,
}


def cut(text: str) -> str:
    """Return the text with long lines cut off: a quoted response may be a page of HTML."""
    if len(text) <= LONGEST_LINE:
        return text
    lines = (
        line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}…"
        for line in text.splitlines()
    )
    return "\n".join(lines)


def in_a_line(record: logging.LogRecord) -> bool:
    """Name a lost connection in the line itself, where discord.py would log a traceback.

    A filter that lets everything pass.
    """
    error = record.exc_info[1] if record.exc_info else None
    if record.name == RECONNECTING and error is not None and _is_weather(error):
        why = " ".join(str(error).split())[:WHY_LENGTH]
        record.msg = f"{record.getMessage()} ({type(error).__name__}: {why})"
        record.args, record.exc_info, record.exc_text = (), None, None
    return True


def _is_weather(error: BaseException) -> bool:
    family = type(error).__module__.partition(".")[0]
    return isinstance(error, OSError) or family in ("aiohttp", "discord")


def name_subject(record: logging.LogRecord) -> bool:
    """Add the current job, shard and lane to the record; a filter that lets everything pass.

    discord.py writes the shard into what it says of a connection.
    """
    shard = SHARD.get()
    if shard is None and record.name.startswith("discord."):
        named = _SHARD_NAMED.search(record.getMessage())
        shard = None if named is None else int(named[1])
    record.job, record.shard, record.lane = JOB.get(), shard, lane()
    return True


def _named(record: logging.LogRecord) -> list[tuple[str, str | int]]:
    """Return what the record is about, by name."""
    found = [(name, getattr(record, name, None)) for name in ("job", "shard", "lane")]
    return [(name, value) for name, value in found if value is not None]


def configure(level: str, style: LogFormat = LogFormat.TEXT) -> None:
    """Log to standard error: ours from ``level`` up, libraries not below INFO.

    At DEBUG libraries log everything, such as the values written to each column.
    """
    _log("INFO" if level == "DEBUG" else level, style)
    for ours in ("bot", "generation"):
        logging.getLogger(ours).setLevel(level)
    for chatty in ("alembic", "discord.client"):
        logging.getLogger(chatty).setLevel(logging.ERROR)


def configure_worker(level: str, style: LogFormat) -> None:
    """Log alike in the worker process, whose libraries log a lot."""
    _log("WARNING", style)
    logging.getLogger("generation").setLevel(level)


def _log(level: str, style: LogFormat) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(FORMATTERS[style]())
    handler.addFilter(name_subject)
    handler.addFilter(in_a_line)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)  # Pillow's, about odd files: they become ordinary lines

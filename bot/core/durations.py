"""Durations as people type them: 3d 12h."""

import re
from datetime import timedelta

from bot.texts import say
from generation.errors import InvalidRequest

SHORTEST, LONGEST = timedelta(minutes=1), timedelta(days=5 * 365)
FOR_GOOD = "for good"

_UNITS = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
# Seven digits of the largest unit still fit a timedelta.
_PART = re.compile(
    r"(?P<count>[0-9]{1,7}) ?(?P<unit>m|min|minutes?|h|hours?|d|days?|w|weeks?)"
    r"(?:[ ,]+|(?=[0-9])|$)"
)


def read_duration(text: str) -> timedelta | None:
    """Return the duration typed, None for permanent; raises InvalidRequest."""
    typed = text.strip().casefold()
    if typed in (FOR_GOOD, say("block-for-good").casefold()):
        return None
    span = span_of(typed)
    if span is None or not SHORTEST <= span <= LONGEST:
        raise InvalidRequest("duration", say("bound-duration"))
    return span


def span_of(text: str) -> timedelta | None:
    """Return the duration typed, however long; None if it is not one."""
    typed = text.strip().casefold()
    at, span = 0, timedelta()
    while (part := _PART.match(typed, at)) is not None:
        at = part.end()
        span += int(part["count"]) * _UNITS[part["unit"][0]]
    return span if at == len(typed) else None

"""Past moments as people type them: 2026-11-03, or 7d for a week ago."""

from datetime import UTC, date, datetime, time, timedelta

from bot.core.durations import LONGEST, SHORTEST, span_of
from bot.texts import say
from generation.errors import InvalidRequest


def read_since(field: str, text: str, now: datetime) -> datetime:
    """Return the start of the period: the start of a day (UTC), or a span before ``now``.

    Raises InvalidRequest about ``field``.
    """
    day, span = _day(text), span_of(text)
    if day is not None:
        return _checked(field, datetime.combine(day, time(), UTC), now)
    return _ago(field, span, now)


def read_until(field: str, text: str, now: datetime) -> datetime:
    """Return the exclusive end of the period: a day is included as a whole.

    Raises InvalidRequest about ``field``.
    """
    day, span = _day(text), span_of(text)
    if day is not None:
        begin = _checked(field, datetime.combine(day, time(), UTC), now)
        return begin + timedelta(days=1)
    return _ago(field, span, now)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None


def _ago(field: str, span: timedelta | None, now: datetime) -> datetime:
    if span is None or not SHORTEST <= span <= LONGEST:
        raise _wrong(field)
    return now - span


def _checked(field: str, begin: datetime, now: datetime) -> datetime:
    if not now - LONGEST <= begin <= now:
        raise _wrong(field)
    return begin


def _wrong(field: str) -> InvalidRequest:
    return InvalidRequest(field, say("bound-moment"))

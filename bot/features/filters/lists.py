"""Filters and their verdicts as text; nothing here talks to Discord."""

from collections.abc import Iterable, Sequence

from bot.db.records import EVERYWHERE, Filter, FilterStrictness
from bot.features.filters.matching import Piece, PromptVerdict
from bot.texts import all_of, say
from bot.texts.inert import code, cut, inert_lines
from bot.ui.pages.listing import Line

# An embed's description holds 4,096 characters, and a page has ten lines.
TEXT_SHOWN = 3500
OFF_SHOWN = 110


def filter_line(one: Filter, off: str | None = None) -> Line:
    """Return a filter and its number; ``off`` is what it would have to be, if it is unusable."""
    line = f"#{one.id} {filter_text(one)}"
    return Line(
        one.id,
        line if off is None else say("filter-line-off", line=line, bound=cut(off, OFF_SHOWN)),
    )


def filter_text(one: Filter) -> str:
    """Return a filter's pattern and action."""
    action, kind = say(f"filter-action.{one.action}"), say(f"filter-kind.{one.kind}")
    pattern = code(one.pattern)
    if one.strictness is FilterStrictness.WHOLE:
        return say("filter-line", action=action, kind=kind, pattern=pattern)
    return say(
        "filter-line-strict",
        action=action,
        kind=kind,
        strictness=say(f"filter-strictness.{one.strictness}"),
        pattern=pattern,
    )


def tested(verdict: PromptVerdict, pieces: Iterable[Piece], off: Iterable[int]) -> str:
    """Return how filters treat a text in pieces, one line per action; some filters are ``off``."""
    lines = []
    if verdict.refused:
        lines.append(say("filter-test-refused", filters=_numbers(verdict.refused)))
    if verdict.too_slow:
        lines.append(say("filter-test-slow", filters=_numbers(verdict.too_slow)))
    if verdict.emptied:
        lines.append(say("filter-test-emptied"))
    if verdict.flagged:
        lines.append(say("filter-test-flagged", filters=_numbers(verdict.flagged)))
    if verdict.stripped:
        marked = "".join(map(_marked, pieces))
        filters = _numbers(verdict.stripped)
        lines.append(say("filter-test-stripped", filters=filters, text=cut(marked, TEXT_SHOWN)))
    if not lines:
        lines.append(say("filter-test-allowed"))
    if numbers := all_of(f"#{one}" for one in off):
        lines.append(say("filter-test-off", filters=numbers))
    return "\n".join(lines)


def _marked(piece: Piece) -> str:
    words = piece.text.strip()
    if not words:
        return " "
    # Markup characters only matter next to a letter.
    shown = f"~~{inert_lines(words)}~~" if piece.cut else inert_lines(words)
    before, _, after = piece.text.partition(words)
    return " " * bool(before) + shown + " " * bool(after)


def _numbers(filters: Sequence[Filter]) -> str:
    here = [_number(one) for one in filters if one.guild_id != EVERYWHERE]
    others = any(one.guild_id == EVERYWHERE for one in filters)
    return all_of([*here, say("filter-everywhere")] if others else here)


def _number(one: Filter) -> str:
    if one.strictness is FilterStrictness.WHOLE:
        return f"#{one.id}"
    return f"#{one.id} ({say(f'filter-strictness.{one.strictness}')})"

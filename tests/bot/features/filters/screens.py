"""Filters made by a test, and what they find."""

from bot.db.records import EVERYWHERE, Filter, FilterAction, FilterKind
from bot.features.filters.matching import Screen

WORD, PHRASE, REGEX = FilterKind.WORD, FilterKind.PHRASE, FilterKind.REGEX
REFUSE, FLAG, STRIP = FilterAction.REFUSE, FilterAction.FLAG, FilterAction.STRIP


def made(pattern: str, kind: FilterKind = WORD, action: FilterAction = REFUSE, id_: int = 1):
    return Filter(id=id_, guild_id=EVERYWHERE, pattern=pattern, kind=kind, action=action)


def found_by(text: str, *patterns: str, kind: FilterKind = WORD) -> list[str]:
    """The patterns that refuse the text."""
    screen = Screen(made(pattern, kind, id_=n) for n, pattern in enumerate(patterns))
    return [one.pattern for one in screen.verdict(text).refused]

"""What becomes of what, when Discord does not do what it is asked: declared here, tried beside it.

`docs/discord_faults.py` writes it down for people.
"""

from enum import StrEnum

from playground.wire.faults import Outage


class Point(StrEnum):
    """Where on its way the bot, or a job, meets an outage."""

    LOGIN = "login"
    GATEWAY = "gateway"
    SYNC = "sync"
    FIRST_ANSWER = "first answer"
    EDIT = "edit"
    FINAL_EDIT = "final edit"
    DIRECT_MESSAGE = "direct message"


class Outcome(StrEnum):
    """What came of it."""

    WAITS = "waits, then serves"
    ENDS = "ends with status 78"
    SERVES = "serves with the commands that are there"
    POSTED = "posted once"
    TOLD = "told in its message"
    TOLD_PRIVATELY = "told privately"
    TOLD_BY_DISCORD = "told by Discord: no response"


def _all(usual: Outcome, **others: Outcome) -> dict[Outage, Outcome]:
    return {one: others.get(one.name, usual) for one in Outage}


OUTCOMES: dict[Point, dict[Outage, Outcome]] = {
    Point.LOGIN: _all(Outcome.WAITS, UNAUTHORIZED=Outcome.ENDS),
    Point.GATEWAY: _all(Outcome.WAITS),
    Point.SYNC: _all(
        Outcome.WAITS,
        UNAUTHORIZED=Outcome.SERVES,
        NOT_FOUND=Outcome.SERVES,
        TOO_LARGE=Outcome.SERVES,
    ),
    Point.FIRST_ANSWER: _all(
        Outcome.POSTED, TOO_LARGE=Outcome.TOLD_PRIVATELY, SILENT=Outcome.TOLD_BY_DISCORD
    ),
    Point.EDIT: _all(Outcome.POSTED),
    Point.FINAL_EDIT: _all(Outcome.POSTED, NOT_FOUND=Outcome.TOLD),
    Point.DIRECT_MESSAGE: _all(Outcome.POSTED, UNAUTHORIZED=Outcome.TOLD, NOT_FOUND=Outcome.TOLD),
}

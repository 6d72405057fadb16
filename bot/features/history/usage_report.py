"""Usage reports: as text, as a table for spreadsheets, as a chart."""

import unicodedata
from operator import attrgetter

from bot.features.history.csv_export import MARK, line
from bot.features.history.usage_chart import Chart, Series
from bot.features.history.usage_stats import Day, Usage
from bot.texts import all_of, say
from bot.texts.inert import inert, plain

NAME_LENGTH = 32
COLUMNS = ("what", "name", "jobs", "pictures", "failed", "refused", "device_seconds")
MOST_DAYS = 120  # in a chart with one bar each; more are summed up by week


def words(usage: Usage) -> str:
    """Return the figures as text, under 1,000 characters and with markup escaped."""
    if usage.nothing:
        return say("usage-nothing", period=_period(usage))
    lines = [
        say(
            "usage-total",
            period=_period(usage),
            pictures=usage.total(attrgetter("pictures")),
            jobs=usage.total(attrgetter("jobs")),
            failed=usage.total(attrgetter("failed")),
            refused=usage.total(attrgetter("refused")),
            minutes=_minutes(usage.total(attrgetter("device_seconds"))),
        )
    ]
    if len(usage.days) > 1:
        most = max(usage.days, key=lambda day: (day.pictures, day.jobs))
        lines.append(say("usage-most", day=most.day.isoformat(), pictures=most.pictures))
    if usage.people:
        people = all_of(
            say(
                "usage-person",
                name=inert(_line(one.name)),
                pictures=one.pictures,
            )
            for one in usage.people
        )
        lines.append(say("usage-people", people=people))
    return "\n".join(lines)


def table(usage: Usage) -> bytes:
    """Return CSV with a row for each day and each person, in which no name is a formula."""
    lines = [line(COLUMNS)]
    for day in usage.days:
        figures = (day.jobs, day.pictures, day.failed, day.refused, round(day.device_seconds, 1))
        lines.append(line(("day", day.day.isoformat(), *figures)))
    for one in usage.people:
        seconds = round(one.device_seconds, 1)
        lines.append(line(("person", one.name, one.jobs, one.pictures, "", "", seconds)))
    return MARK + b"".join(lines)


def chart_of(usage: Usage) -> Chart:
    """Return the chart to draw."""
    if usage.nothing:
        return Chart(say("usage-nothing", period=_period(usage)))
    weekly = len(usage.days) > MOST_DAYS
    bars = _weeks(usage.days) if weekly else usage.days
    return Chart(
        title=say(
            "usage-chart",
            period=_period(usage),
            pictures=usage.total(attrgetter("pictures")),
            jobs=usage.total(attrgetter("jobs")),
            minutes=_minutes(usage.total(attrgetter("device_seconds"))),
        ),
        days=tuple(bar.day.isoformat() for bar in bars),
        days_title=say("usage-chart-weeks") if weekly else say("usage-chart-days"),
        series=(
            Series(say("usage-chart-pictures"), tuple(bar.pictures for bar in bars)),
            Series(say("usage-chart-failed"), tuple(bar.failed for bar in bars)),
            Series(say("usage-chart-refused"), tuple(bar.refused for bar in bars)),
        ),
        people_title=say("usage-chart-people"),
        people=tuple((_line(one.name), one.pictures) for one in usage.people),
        nameless=say("usage-chart-nameless"),
    )


def _period(usage: Usage) -> str:
    first, last = usage.days[0].day.isoformat(), usage.days[-1].day.isoformat()
    return first if first == last else say("usage-period", first=first, last=last)


def _weeks(days: tuple[Day, ...]) -> tuple[Day, ...]:
    """Sum up seven days each; the last week may be shorter."""
    return tuple(
        Day(
            day=week[0].day,
            jobs=sum(day.jobs for day in week),
            pictures=sum(day.pictures for day in week),
            failed=sum(day.failed for day in week),
            refused=sum(day.refused for day in week),
            device_seconds=sum(day.device_seconds for day in week),
        )
        for week in (days[start : start + 7] for start in range(0, len(days), 7))
    )


def _minutes(seconds: float) -> float:
    return round(seconds / 60, 1 if seconds < 600 else None)


def _line(name: str) -> str:
    """Return a name on one line of limited length, in characters that fonts have."""
    return unicodedata.normalize("NFC", plain(name, NAME_LENGTH))

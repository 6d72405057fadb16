"""The newest jobs that meet conditions, among a million, without relying on a query plan.

A word that occurs in half of the jobs is found fastest by scanning a server's jobs; a word in only
ten, by the word index. SQLite cannot know which, so every way is followed in stretches, each longer
than the one before, until one has found enough or is exhausted. That costs a few times what the
best way alone would have cost.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    bindparam,
    column,
    func,
    literal_column,
    select,
    table,
    text,
    true,
)

from bot.db.models import JOB_COLUMNS, JobRow
from bot.db.search.search_words import trigrams

STATEMENTS = 50  # kept: building one takes as long as running it
STRETCH = 1000  # jobs checked in the first stretch of a way
LONGER = 4  # factor for each following stretch
# Ids follow the clock, except for the seconds between request and recording.
OUT_OF_ORDER = timedelta(hours=1)
LAST_ID = 2**63 - 1  # the largest id in SQLite

NONCHARACTERS = frozenset("\ufffe\uffff")  # no part of any trigram

_WORDS = table("job_words", column("rowid"))
# The FTS5 expression that matches every trigram beginning with one or two letters; each indexed
# text ends in two line ends (0019), so that one begins at every letter. `job_words_terms` has a row
# for each use of a trigram, so the next trigram is looked for where no more of the last can be.
BEGINNING = """
    coalesce(
        group_concat('"' || replace(term, '"', '""') || '"', ' OR '),
        '"' || char(1, 1, 1) || '"'
    )
    FROM (
        WITH RECURSIVE beginning (term) AS (
            SELECT (
                SELECT term FROM job_words_terms
                WHERE term >= :words AND term < :words || char(1114111) ORDER BY term LIMIT 1
            )
            UNION ALL
            SELECT (
                SELECT term FROM job_words_terms
                WHERE term >= beginning.term || char(1) AND term < :words || char(1114111)
                ORDER BY term LIMIT 1
            )
            FROM beginning WHERE beginning.term IS NOT NULL
        )
        SELECT term FROM beginning WHERE term IS NOT NULL
    )
"""


@dataclass(frozen=True, slots=True)
class Way:
    """An index that yields job ids, newest first."""

    id: ColumnElement[int]
    conditions: tuple[ColumnElement[bool], ...]


def by_columns(*conditions: ColumnElement[bool]) -> Way:
    """Return the way along an index of jobs whose first columns equal these conditions."""
    return Way(JobRow.id.expression, conditions)


def by_words(words: str) -> list[Way]:
    """Return the way along the word index; none for what its tokenizer leaves out."""
    if not words or not NONCHARACTERS.isdisjoint(words):
        return []
    beginning = select(text(BEGINNING).bindparams(words=words)).scalar_subquery()
    expression = trigrams(words) or beginning
    return [Way(_WORDS.c.rowid, (literal_column("job_words").op("MATCH")(expression),))]


def has_words(words: str) -> ColumnElement[bool]:
    """Return the condition that these folded words are among those a person typed."""
    return func.instr(JobRow.folded_words, words) > 0


@dataclass(frozen=True, slots=True)
class Period:
    """The time from ``since`` up to and excluding ``until``, in one server; None is unbounded."""

    guild_id: int | None
    since: datetime | None = None
    until: datetime | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the condition that a job was requested in this period."""
        found: list[ColumnElement[bool]] = []
        if self.since is not None:
            found.append(JobRow.asked_at >= self.since)
        if self.until is not None:
            found.append(JobRow.asked_at < self.until)
        return found

    def of(self, way: Way) -> Way:
        """Return the part of a way that contains all of these jobs."""
        if self.since is None and self.until is None:
            return way
        here = JobRow.guild_id.is_not_distinct_from(self.guild_id)
        asked = select(JobRow.id).limit(1)
        conditions = list(way.conditions)
        if self.since is not None:
            earlier = asked.where(here, JobRow.asked_at < self.since - OUT_OF_ORDER)
            earlier = earlier.order_by(JobRow.asked_at.desc())
            conditions.append(way.id > func.coalesce(earlier.scalar_subquery(), 0))
        if self.until is not None:
            later = asked.where(here, JobRow.asked_at >= self.until + OUT_OF_ORDER)
            later = later.order_by(JobRow.asked_at)
            conditions.append(way.id < func.coalesce(later.scalar_subquery(), LAST_ID))
        return Way(way.id, tuple(conditions))


def newest(
    connection: Connection,
    ways: Sequence[Way],
    conditions: Sequence[ColumnElement[bool]],
    before: int | None,
    limit: int,
    values: Mapping[str, Any] | None = None,
) -> list[Row[Any]]:
    """Return the newest jobs before job ``before`` that meet all conditions, newest first.

    Each of the ways yields all of them, and possibly others. ``values`` are those of parameters in
    ways and conditions that are the same for everybody, and whose statements are kept.
    """
    found: list[list[Row[Any]]] = [[] for _ in ways]
    reached = [before for _ in ways]
    stretch = STRETCH
    values = values or {}
    while True:
        for number, way in enumerate(ways):
            last = {} if reached[number] is None else {"before": reached[number]}
            following = _following(way, begun=bool(last))
            ids = connection.scalars(following, {**values, **last, "stretch": stretch}).all()
            if ids:
                left = limit - len(found[number])
                among = {**values, "among": json.dumps(list(ids)), "left": left}
                found[number] += connection.execute(_meeting(tuple(conditions)), among).all()
            if len(found[number]) == limit or len(ids) < stretch:
                return found[number]
            reached[number] = ids[-1]
        stretch *= LONGER


@lru_cache(STATEMENTS)
def _following(way: Way, *, begun: bool) -> Select[int]:
    """Select a stretch of a way's ids, those before the last ones where it has ``begun``."""
    query = select(way.id).where(*way.conditions).order_by(way.id.desc())
    if begun:
        query = query.where(way.id < bindparam("before"))
    return query.limit(bindparam("stretch"))


@lru_cache(STATEMENTS)
def _meeting(conditions: tuple[ColumnElement[bool], ...]) -> Select[Any]:
    """Select the jobs among some ids that meet the conditions."""
    ids = func.json_each(bindparam("among")).table_valued("value", name="among").c.value
    query = select(*JOB_COLUMNS).where(
        JobRow.id.in_(select(ids)),
        # Written like this, no condition makes SQLite use an index instead of the ids.
        *(condition.is_(true()) for condition in conditions),
    )
    return query.order_by(JobRow.id.desc()).limit(bindparam("left"))

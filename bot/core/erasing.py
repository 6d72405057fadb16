"""Taking names and words out of the rows of jobs: a person's, or those that are old."""

from datetime import datetime
from itertools import chain
from typing import Any

from sqlalchemy import Connection, delete, func, select, update

from bot.core.quotas.spending_store import remember
from bot.db.database import Database
from bot.db.models import WORDED, InputRow, JobRow
from bot.db.records import Words
from bot.db.search.search_words import searchable
from bot.options.stored import words

NOBODY = 0  # no person of Discord's has this id
ERASED = "(erased)"


async def forget(database: Database, person_id: int, last: int, now: datetime) -> None:
    """Take a person's name and words out of the rows of their jobs that have ended, up to ``last``.

    For a day it is remembered what counts of it.
    """
    theirs = JobRow.person_id == person_id, JobRow.id <= last, JobRow.ended_at.is_not(None)
    without_inputs = delete(InputRow).where(InputRow.job_id.in_(select(JobRow.id).where(*theirs)))
    erase = (
        update(JobRow)
        .where(*theirs)
        .values(
            person_id=NOBODY,
            person_name="",
            interaction_token=None,
            **_wordless(),
            source_sha256=None,
            direct_channel_id=None,
        )
    )

    def write(connection: Connection) -> None:
        remember(connection, person_id, last, now)
        connection.execute(without_inputs)
        connection.execute(erase)

    await database.write(write, database.rewritten)


async def expire_words(database: Database, before: datetime, count: int) -> int:
    """Take the words out of so many jobs asked for before, the oldest first; return how many."""
    expired = (
        select(JobRow.id)
        .where(WORDED, JobRow.asked_at < before, JobRow.ended_at.is_not(None))
        .order_by(JobRow.asked_at)
        .limit(count)
    )

    def write(connection: Connection) -> int:
        ids = connection.scalars(expired).all()
        connection.execute(update(JobRow).where(JobRow.id.in_(ids)).values(**_wordless()))
        return len(ids)

    return await database.write(write, database.rewritten)


def _wordless() -> dict[str, Any]:
    """Return what the columns of a job hold whose words are not kept."""
    prompt, *others = words()
    paths = [f"$.{prompt}", ERASED, *chain.from_iterable((f"$.{one}", "") for one in others)]
    no_text = ("style", "typed_prompt", "typed_negative_prompt", "cut", "flagged", "stripped")
    return {
        **dict.fromkeys((*no_text, "error")),
        "request": func.json_set(JobRow.request, *paths),
        "folded_words": searchable(Words(ERASED)),
    }

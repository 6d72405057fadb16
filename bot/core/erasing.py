"""Words that were kept for long enough: taken out of their rows, a few rows at a time."""

from datetime import datetime

from sqlalchemy import select, update

from bot.core.jobs.job_store import wordless
from bot.db.database import Database
from bot.db.models import WORDED, JobRow


async def expire_words(database: Database, before: datetime, count: int) -> int:
    """Take the words out of so many jobs asked for before, the oldest first; return how many."""
    expired = (
        select(JobRow.id)
        .where(WORDED, JobRow.asked_at < before, JobRow.ended_at.is_not(None))
        .order_by(JobRow.asked_at)
        .limit(count)
    )
    async with database.write() as session:
        ids = (await session.scalars(expired)).all()
        await session.execute(update(JobRow).where(JobRow.id.in_(ids)).values(**wordless()))
    return len(ids)

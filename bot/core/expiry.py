"""Expired prompts: removed from their rows in small batches."""

from datetime import datetime

from sqlalchemy import select, update

from bot.core.jobs.job_store import wordless
from bot.db.database import Database
from bot.db.models import WORDED, JobRow


async def expire_words(database: Database, before: datetime, count: int) -> int:
    """Remove the prompts of at most this many older jobs, oldest first; return how many."""
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

"""Pictures that show what a checkpoint or a style draws like: the latest that all may see."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select

from bot.core.erasing import NOBODY
from bot.core.pictures.picture_store import stored_picture
from bot.db.database import Database
from bot.db.models import JobRow, PictureRow
from bot.db.records import Status, StoredPicture, Verdict


class Shown(StrEnum):
    """What a picture is an example of."""

    CHECKPOINT = "checkpoint"
    STYLE = "style"


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks for examples: what they may see are a server's ``channel_ids``.

    In direct messages it is what they asked for there themselves.
    """

    person_id: int
    guild_id: int | None
    channel_ids: Collection[int] = ()


NAMES = {Shown.CHECKPOINT: JobRow.checkpoint, Shown.STYLE: JobRow.style}


class ExampleStore:
    """Finds examples among the pictures; writes nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def latest(
        self, shown: Shown, names: Collection[str], viewer: Viewer
    ) -> dict[str, StoredPicture]:
        """Return the latest picture of each name that has one which everybody there may see.

        That leaves out what is private, deleted, hidden behind a click, or noted for moderators.
        """
        here = (
            JobRow.guild_id.is_(None) & (JobRow.person_id == viewer.person_id)
            if viewer.guild_id is None
            else (JobRow.guild_id == viewer.guild_id) & JobRow.channel_id.in_(viewer.channel_ids)
        )
        found = {}
        async with self._database.read() as session:
            for name in names:
                row = await session.scalar(
                    select(PictureRow)
                    .join(JobRow, JobRow.id == PictureRow.job_id)
                    .where(
                        NAMES[shown] == name,
                        here,
                        # As an expression, or SQLite would follow the index by status, which
                        # nearly every job is in, rather than the one by name.
                        JobRow.status.concat("") == Status.DONE,
                        JobRow.person_id != NOBODY,
                        JobRow.private.is_(False),
                        JobRow.deleted_at.is_(None),
                        JobRow.flagged.is_(None),
                        JobRow.age_restricted.is_(False),
                        PictureRow.verdict == Verdict.SHOWN,
                    )
                    .order_by(JobRow.id.desc(), PictureRow.index)
                    .limit(1)
                )
                if row is not None:
                    found[name] = stored_picture(row)
        return found

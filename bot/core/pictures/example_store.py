"""Example pictures of checkpoints and styles: the latest that everybody may see."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, bindparam, select

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
    """Where examples are looked up: in a server, its public ``channel_ids``.

    In direct messages, the person's own pictures from there.
    """

    person_id: int
    guild_id: int | None
    channel_ids: Collection[int] = ()


NAMES = {Shown.CHECKPOINT: JobRow.checkpoint, Shown.STYLE: JobRow.style}


class ExampleStore:
    """Finds examples among the pictures; read-only."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def latest(
        self, shown: Shown, names: Collection[str], viewer: Viewer
    ) -> dict[str, StoredPicture]:
        """Return the latest picture visible to everybody there, for each name that has one.

        Private, deleted, spoilered and flagged pictures are left out.
        """
        here = (
            JobRow.guild_id.is_(None) & (JobRow.person_id == viewer.person_id)
            if viewer.guild_id is None
            else (JobRow.guild_id == viewer.guild_id) & JobRow.channel_id.in_(viewer.channel_ids)
        )
        query = (
            select(*PictureRow.__table__.columns)
            .join(JobRow, JobRow.id == PictureRow.job_id)
            .where(
                NAMES[shown] == bindparam("name"),
                here,
                # Written as an expression; otherwise SQLite would use the index by status, which
                # nearly every job shares, rather than the one by name.
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

        def find(connection: Connection) -> dict[str, StoredPicture]:
            found = {}
            for name in names:
                row = connection.execute(query, {"name": name}).mappings().one_or_none()
                if row is not None:
                    found[name] = stored_picture(row)
            return found

        return await self._database.read(find)

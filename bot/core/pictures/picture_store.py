"""Picture files, named by their content, and the rows that say which job they belong to."""

import asyncio
import hashlib
import io
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image
from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    RowMapping,
    Select,
    TextClause,
    bindparam,
    select,
    union,
    update,
)
from sqlalchemy.dialects.sqlite import insert

from bot.core.erasing import NOBODY
from bot.core.pictures.blurring import COLOURS, blurred
from bot.db.database import Database
from bot.db.faults import as_store_errors
from bot.db.files import read_whole, remove_parts, write_whole
from bot.db.models import UNPRUNED, FavouriteRow, InputRow, JobRow, PictureRow
from bot.db.patience import outlast
from bot.db.picture_files import FOLDERS, picture_file, thumbnail_file
from bot.db.records import Job, StoredPicture, Verdict
from generation.request import Picture

THUMBNAIL_SIDE = 256

_PICTURES = select(*PictureRow.__table__.columns)
_OF_JOB = _PICTURES.where(PictureRow.job_id == bindparam("job")).order_by(PictureRow.index)
# The first one comes last, as it is the one that a dict keeps.
_FIRST = _PICTURES.where(PictureRow.job_id.in_(bindparam("jobs", expanding=True))).order_by(
    (PictureRow.verdict == Verdict.REFUSED).desc(), PictureRow.index.desc()
)
_NOTE = insert(PictureRow)
_NOTE = _NOTE.on_conflict_do_update(
    index_elements=["job_id", "index"],
    set_={
        column.name: column for column in _NOTE.excluded if column.name not in ("job_id", "index")
    },
)


class PictureStore:
    """PNG files with WebP thumbnails below ``folder``, and the pictures table."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._folder = folder

    async def tidy(self) -> None:
        """Remove files half written when the process was killed; call before any write."""
        for name in FOLDERS:
            await asyncio.to_thread(remove_parts, self._folder / name)

    async def save(
        self,
        *,
        job_id: int,
        index: int,
        seed: int,
        png: bytes,
        nsfw: float | None = None,
        verdict: Verdict = Verdict.SHOWN,
    ) -> StoredPicture:
        """Write the file, then the row; saving the same picture again changes nothing."""
        picture = await self.save_file(job_id, Picture(index, seed, png, nsfw), verdict)

        def write(connection: Connection) -> None:
            note(connection, [picture])
            self.keep([(picture, png)])

        await self._database.write(write)
        return picture

    async def save_file(
        self, job_id: int, drawn: Picture, verdict: Verdict, *, keep: bool = True
    ) -> StoredPicture:
        """Write only the file, and return the row to be written (`note`), with `keep`.

        Of a picture that is not to be kept there is only the row.
        """

        def save() -> StoredPicture:
            picture = _described(job_id, drawn, verdict)
            if keep:
                self._write_files(picture.sha256, drawn.png)
            return picture

        return await outlast(partial(asyncio.to_thread, save))

    def keep(self, pictures: Iterable[tuple[StoredPicture, bytes]]) -> None:
        """Write the files anew that were removed since; call it where their rows are written.

        Somebody else's job may have had the same picture. Who removes files is a writer, too, and
        does so before, or finds the rows.
        """
        with as_store_errors():
            for picture, png in pictures:
                self._write_files(picture.sha256, png)

    async def remove(self, job_id: int) -> int:
        """Remove a deleted job's files that no other job shows or starts from; return how many.

        Its rows (with each picture's seed) and thumbnails stay, for moderators.
        """
        return await self._remove(job_id, {NOBODY})

    async def erase(self, job: Job) -> int:
        """Remove a deleted job's files as `remove` does, and its person's thumbnails."""
        return await self._remove(job.id, {NOBODY, job.origin.person_id})

    async def _remove(self, job_id: int, strangers: set[int]) -> int:
        """Remove files; thumbnails stay if others than ``strangers`` generated the picture."""
        own: CompoundSelect[Any] = union(
            select(PictureRow.sha256).where(PictureRow.job_id == job_id),
            *_needed(JobRow.id == job_id),
        )

        # Being the one writer keeps others from recording one of them meanwhile.
        def write(connection: Connection) -> int:
            files = set(connection.scalars(own))
            unneeded = _unneeded(connection, files)
            others = _shown(unneeded).where(JobRow.person_id.not_in(strangers))
            self._unlink(unneeded, unneeded - set(connection.scalars(others)))
            return len(unneeded)

        return await self._database.write(write)

    async def expire(self, asked_before: datetime, count: int) -> int:
        """Remove the pictures of at most this many jobs, oldest first; return how many jobs.

        Favourites stay, and so do files that a kept job shows or starts from. Rows stay too, with
        each picture's seed.
        """
        liked = select(FavouriteRow.job_id).where(FavouriteRow.job_id == JobRow.id).exists()
        expired = (
            select(JobRow.id)
            .where(UNPRUNED, JobRow.asked_at < asked_before, JobRow.ended_at.is_not(None), ~liked)
            .order_by(JobRow.asked_at)
            .limit(count)
        )

        def write(connection: Connection) -> int:
            ids = connection.scalars(expired).all()
            connection.execute(
                update(JobRow).where(JobRow.id.in_(ids)).values(pruned_at=datetime.now(UTC))
            )
            own: CompoundSelect[Any] = union(
                select(PictureRow.sha256).where(PictureRow.job_id.in_(ids)),
                *_needed(JobRow.id.in_(ids)),
            )
            files = set(connection.scalars(own))
            unneeded = _unneeded(connection, files)
            remembered = connection.scalars(_shown(files).where(JobRow.person_id != NOBODY))
            self._unlink(unneeded, files - set(remembered))
            return len(ids)

        return await self._database.write(write)

    async def save_source(self, png: bytes) -> str:
        """Write a picture that a job starts from or needs; return the name to read it by."""
        sha256 = hashlib.sha256(png).hexdigest()
        await self._write(sha256, png)
        return sha256

    async def discard_source(self, sha256: str) -> None:
        """Remove a source that no job uses or shows."""

        def write(connection: Connection) -> None:
            unneeded = _unneeded(connection, {sha256})
            self._unlink(unneeded, unneeded)

        await self._database.write(write)

    async def read_source(self, sha256: str) -> bytes | None:
        """Return a picture that a job starts from or needs, or None if it was pruned."""
        return await _read(self._png(sha256))

    async def read_source_thumbnail(self, sha256: str) -> bytes | None:
        """Return the WebP thumbnail of a picture that a job starts from or needs, likewise."""
        return await _read(self._thumbnail(sha256))

    async def of_job(self, job_id: int) -> list[StoredPicture]:
        """Return the job's pictures in order."""

        def find(connection: Connection) -> list[StoredPicture]:
            rows = connection.execute(_OF_JOB, {"job": job_id}).mappings()
            return [stored_picture(row) for row in rows]

        return await self._database.read(find)

    async def first_of(self, job_ids: list[int]) -> dict[int, StoredPicture]:
        """Return each job's first picture, a refused one only if there is no other."""
        return await self._database.read(lambda connection: first_of(connection, job_ids))

    async def has(self, picture: StoredPicture) -> bool:
        """Tell whether the PNG file exists and is complete."""
        look = partial(_is_whole, self._png(picture.sha256), picture.size_bytes)
        return await outlast(partial(asyncio.to_thread, look))

    async def read(self, picture: StoredPicture) -> bytes | None:
        """Return the PNG file, or None if it was pruned."""
        return await _read(self._png(picture.sha256))

    async def read_thumbnail(self, picture: StoredPicture) -> bytes | None:
        """Return the WebP thumbnail, or None if it was pruned.

        It is blurred if the picture is not shown to everybody.
        """
        thumbnail = await _read(self._thumbnail(picture.sha256))
        if thumbnail is None or picture.verdict is Verdict.SHOWN:
            return thumbnail
        return await asyncio.to_thread(blurred, thumbnail, COLOURS)

    def _png(self, sha256: str) -> Path:
        return picture_file(self._folder, sha256)

    def _thumbnail(self, sha256: str) -> Path:
        return thumbnail_file(self._folder, sha256)

    def _unlink(self, pictures: Iterable[str], thumbnails: Iterable[str]) -> None:
        for sha256 in pictures:
            self._png(sha256).unlink(missing_ok=True)
        for sha256 in thumbnails:
            self._thumbnail(sha256).unlink(missing_ok=True)

    async def _write(self, sha256: str, png: bytes) -> None:
        await outlast(partial(asyncio.to_thread, self._write_files, sha256, png))

    def _write_files(self, sha256: str, png: bytes) -> None:
        if _is_whole(self._png(sha256), len(png)) and self._thumbnail(sha256).exists():
            return
        with Image.open(io.BytesIO(png)) as picture:
            picture.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
            thumbnail = io.BytesIO()
            picture.convert("RGB").save(thumbnail, "WEBP", quality=85)
        write_whole(self._thumbnail(sha256), thumbnail.getvalue())
        write_whole(self._png(sha256), png)


def note(connection: Connection, pictures: Sequence[StoredPicture]) -> None:
    """Write the rows of pictures; writing them again changes nothing."""
    if pictures:
        connection.execute(_NOTE, [asdict(picture) for picture in pictures])


def first_of(connection: Connection, job_ids: list[int]) -> dict[int, StoredPicture]:
    """Return each job's first picture, a refused one only if there is no other."""
    if not job_ids:
        return {}
    rows = connection.execute(_FIRST, {"jobs": job_ids}).mappings()
    return {row["job_id"]: stored_picture(row) for row in rows}


def _described(job_id: int, drawn: Picture, verdict: Verdict) -> StoredPicture:
    png = drawn.png
    with Image.open(io.BytesIO(png)) as picture:
        width, height = picture.size
    return StoredPicture(
        job_id=job_id,
        index=drawn.index,
        seed=drawn.seed,
        sha256=hashlib.sha256(png).hexdigest(),
        width=width,
        height=height,
        size_bytes=len(png),
        nsfw=drawn.nsfw,
        verdict=verdict,
    )


def stored_picture(row: RowMapping) -> StoredPicture:
    """Return the record of a row."""
    return StoredPicture(**{**row, "verdict": Verdict(row["verdict"])})


def _shown(files: Collection[str]) -> Select[str]:
    """Select the files that jobs generated, deleted or not, and that are not pruned."""
    return (
        select(PictureRow.sha256)
        .join(JobRow, JobRow.id == PictureRow.job_id)
        .where(PictureRow.sha256.in_(files), UNPRUNED)
    )


def _needed(*conditions: ColumnElement[bool] | TextClause) -> tuple[Select[Any], Select[Any]]:
    """Select the files that these jobs start from, and what else they need."""
    return (
        select(JobRow.source_sha256).where(*conditions, JobRow.source_sha256.is_not(None)),
        select(InputRow.sha256).join(JobRow, JobRow.id == InputRow.job_id).where(*conditions),
    )


def _unneeded(connection: Connection, files: set[str]) -> set[str]:
    """Return the files that no job shows, starts from or needs."""
    sources, inputs = _needed(JobRow.deleted_at.is_(None), UNPRUNED)
    needed: CompoundSelect[Any] = union(
        _shown(files).where(JobRow.deleted_at.is_(None)),
        sources.where(JobRow.source_sha256.in_(files)),
        inputs.where(InputRow.sha256.in_(files)),
    )
    return files - set(connection.scalars(needed))


def _is_whole(path: Path, size_bytes: int) -> bool:
    with as_store_errors():
        try:
            return path.stat().st_size == size_bytes
        except (FileNotFoundError, NotADirectoryError):
            return False


async def _read(path: Path) -> bytes | None:
    return await outlast(partial(asyncio.to_thread, read_whole, path))

"""The tables."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    MetaData,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from bot.store.records import Kind, Status


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC; SQLite keeps no zone, so it is put back when a row is read."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:  # noqa: ANN401, ARG002
        """Store the UTC wall time; a moment without a zone is a mistake of ours."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs its zone")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ANN401, ARG002
        """Return the moment with its zone."""
        return None if value is None else value.replace(tzinfo=UTC)


class Base(DeclarativeBase):
    """Every constraint has a name, so that a later migration can speak of it."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class JobRow(Base):
    """One job."""

    __tablename__ = "jobs"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    kind: Mapped[Kind] = mapped_column(String(16))
    status: Mapped[Status] = mapped_column(String(16))

    interaction_id: Mapped[int] = mapped_column(BigInteger)
    part: Mapped[int] = mapped_column(default=0, server_default="0")
    interaction_token: Mapped[str | None] = mapped_column(Text)
    person_id: Mapped[int] = mapped_column(BigInteger)
    person_name: Mapped[str] = mapped_column(String(64))
    channel_id: Mapped[int] = mapped_column(BigInteger)
    guild_id: Mapped[int | None] = mapped_column(BigInteger)
    message_id: Mapped[int | None] = mapped_column(BigInteger)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("jobs.id"))
    parent_index: Mapped[int | None]

    prompt: Mapped[str] = mapped_column(Text)
    negative_prompt: Mapped[str] = mapped_column(Text)
    checkpoint: Mapped[str] = mapped_column(String(200))
    width: Mapped[int]
    height: Mapped[int]
    num_images: Mapped[int]
    num_inference_steps: Mapped[int]
    guidance_scale: Mapped[float]
    sampler: Mapped[str] = mapped_column(String(40))
    seed: Mapped[int] = mapped_column(BigInteger)
    strength: Mapped[float | None]
    source_sha256: Mapped[str | None] = mapped_column(String(64))
    factor: Mapped[int] = mapped_column(default=1, server_default="1")
    cut: Mapped[str | None] = mapped_column(Text)

    fair_start: Mapped[float]
    error: Mapped[str | None] = mapped_column(Text)
    device_seconds: Mapped[float] = mapped_column(default=0.0)
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    queued_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        UniqueConstraint("interaction_id", "part"),
        Index(None, "status"),
        Index(None, "guild_id", "person_id", "id"),
        Index(None, "person_id", "status"),
        Index(None, "parent_id"),
        Index(None, "source_sha256"),
        {"sqlite_autoincrement": True},
    )


class PictureRow(Base):
    """One picture of a job; the same pixels are one file, however many rows name it."""

    __tablename__ = "pictures"

    job_id: Mapped[int] = mapped_column(
        ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    index: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seed: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    width: Mapped[int]
    height: Mapped[int]
    size_bytes: Mapped[int]


class FavouriteRow(Base):
    """A job whose pictures a person likes."""

    __tablename__ = "favourites"

    person_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    job_id: Mapped[int] = mapped_column(
        ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    added_at: Mapped[datetime] = mapped_column(UtcDateTime)

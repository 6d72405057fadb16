"""The tables."""

from datetime import UTC, date, datetime
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
    false,
    func,
    select,
    text,
    true,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from bot.db.records import (
    FilterAction,
    FilterKind,
    FilterStrictness,
    Holder,
    InputRole,
    Kind,
    Status,
    Verdict,
)


class UtcDateTime(TypeDecorator[datetime]):
    """A time in UTC; SQLite stores no time zone, so it is restored on reading."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:  # noqa: ANN401, ARG002
        """Store the UTC time; a time without a zone is a bug."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs its zone")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ANN401, ARG002
        """Return the time with its zone."""
        return None if value is None else value.replace(tzinfo=UTC)


NAME_LENGTH = 64
# Conditions of partial indexes, in the form SQLite requires queries to repeat.
UNPRUNED = text("pruned_at IS NULL")
WORDED = text("folded_words != '(erased)\n'")


class Base(DeclarativeBase):
    """The declarative base; every constraint has a name, so that migrations can refer to it."""

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
    person_name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    channel_id: Mapped[int] = mapped_column(BigInteger)
    guild_id: Mapped[int | None] = mapped_column(BigInteger)
    message_id: Mapped[int | None] = mapped_column(BigInteger)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("jobs.id"))
    parent_index: Mapped[int | None]

    request: Mapped[str] = mapped_column(Text, server_default="{}")  # complete, as JSON
    # What queries need of it; plain columns, so that a damaged request breaks no index.
    checkpoint: Mapped[str] = mapped_column(String(200))
    num_images: Mapped[int]
    source_sha256: Mapped[str | None] = mapped_column(String(64))
    factor: Mapped[int] = mapped_column(default=1, server_default="1")
    cut: Mapped[str | None] = mapped_column(Text)
    style: Mapped[str | None] = mapped_column(String(100))
    typed_prompt: Mapped[str | None] = mapped_column(Text)
    typed_negative_prompt: Mapped[str | None] = mapped_column(Text)
    # What was typed, normalized for searching; triggers copy it to `job_words`, the FTS5 index.
    folded_words: Mapped[str] = mapped_column(Text, default="", server_default="")
    flagged: Mapped[str | None] = mapped_column(Text)
    stripped: Mapped[str | None] = mapped_column(Text)
    spoiler_above: Mapped[float | None]
    refuse_above: Mapped[float | None]
    keep_refused: Mapped[bool] = mapped_column(default=True, server_default=true())

    private: Mapped[bool] = mapped_column(default=False, server_default=false())
    locale: Mapped[str] = mapped_column(String(10), default="en-US", server_default="en-US")
    filesize_limit: Mapped[int | None]
    guest: Mapped[bool] = mapped_column(default=False, server_default=false())
    # The state of its place when it was made; unknown for older jobs.
    age_restricted: Mapped[bool] = mapped_column(default=False, server_default=false())
    direct_channel_id: Mapped[int | None] = mapped_column(BigInteger)

    fair_start: Mapped[float]
    error: Mapped[str | None] = mapped_column(Text)
    device_seconds: Mapped[float] = mapped_column(default=0.0)
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    queued_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    pruned_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # when its pictures expired

    __table_args__ = (
        UniqueConstraint("interaction_id", "part"),
        Index(None, "status"),
        # Each gives a server's jobs by id: the id is the last column of every SQLite index.
        Index(None, "guild_id"),
        Index(None, "guild_id", "person_id", "id"),
        Index(None, "guild_id", "checkpoint"),
        Index(
            "ix_jobs_guild_id_style", "guild_id", "style", sqlite_where=text("style IS NOT NULL")
        ),
        Index(None, "guild_id", "status"),
        Index("ix_jobs_guild_id_flagged", "guild_id", sqlite_where=text("flagged IS NOT NULL")),
        Index(None, "guild_id", "asked_at"),
        Index(None, "guild_id", "person_id", "asked_at"),
        Index("ix_jobs_asked_at_unpruned", "asked_at", sqlite_where=UNPRUNED),
        Index("ix_jobs_asked_at_worded", "asked_at", sqlite_where=WORDED),
        Index(None, "person_id", "status"),
        Index("ix_jobs_message_id", "message_id", sqlite_where=text("message_id IS NOT NULL")),
        Index(None, "parent_id"),
        Index(None, "source_sha256"),
        {"sqlite_autoincrement": True},
    )


class PictureRow(Base):
    """One picture of a job; identical pixels share a file, however many rows name it."""

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
    nsfw: Mapped[float | None]
    verdict: Mapped[Verdict] = mapped_column(
        String(16), default=Verdict.SHOWN, server_default=Verdict.SHOWN
    )


class InputRow(Base):
    """A picture that a job needs besides the one it starts from; several jobs may share a file."""

    __tablename__ = "job_inputs"

    job_id: Mapped[int] = mapped_column(
        ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    role: Mapped[InputRole] = mapped_column(String(16))
    sha256: Mapped[str] = mapped_column(String(64), index=True)


# What a job is read from: its row, and its inputs as JSON.
JOB_COLUMNS = (
    *JobRow.__table__.columns,
    select(
        func.json_group_array(func.json_array(InputRow.position, InputRow.role, InputRow.sha256))
    )
    .where(InputRow.job_id == JobRow.id)
    .correlate(JobRow)
    .scalar_subquery()
    .label("inputs"),
)


class FavouriteRow(Base):
    """A job that a person marked as a favourite."""

    __tablename__ = "favourites"

    person_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    job_id: Mapped[int] = mapped_column(
        ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    added_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (Index(None, "job_id"),)


class RulesRow(Base):
    """The rules of a server or one of its channels, as JSON for `Rules`."""

    __tablename__ = "rules"

    guild_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    channel_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    rules: Mapped[str] = mapped_column(Text)
    changed_by: Mapped[int] = mapped_column(BigInteger)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)


class DefaultsRow(Base):
    """A person's default options, as JSON."""

    __tablename__ = "defaults"

    person_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    defaults: Mapped[str] = mapped_column(Text)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)


class AllowanceRow(Base):
    """An allowance that moderators granted a person or role."""

    __tablename__ = "allowances"

    guild_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    holder: Mapped[Holder] = mapped_column(String(8), primary_key=True)
    holder_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    pictures_per_day: Mapped[int | None]
    extra: Mapped[int] = mapped_column(default=0, server_default="0")
    extra_on: Mapped[date | None]
    counted_from: Mapped[datetime | None] = mapped_column(UtcDateTime)


class SpentRow(Base):
    """A person's usage of a day, recorded when their data was erased; removed after the day."""

    __tablename__ = "spent"

    id: Mapped[int] = mapped_column(primary_key=True)
    guild_id: Mapped[int] = mapped_column(BigInteger)
    person_id: Mapped[int] = mapped_column(BigInteger)
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    pictures: Mapped[int]
    seconds: Mapped[float]

    __table_args__ = (Index(None, "person_id", "guild_id"),)


class BlockRow(Base):
    """A person blocked from generating; lifted blocks stay on record."""

    __tablename__ = "blocks"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    guild_id: Mapped[int] = mapped_column(BigInteger)
    person_id: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[str] = mapped_column(Text)
    by_id: Mapped[int] = mapped_column(BigInteger)
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    lifted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (Index(None, "person_id", "guild_id"), Index(None, "guild_id", "id"))


class FilterRow(Base):
    """A prompt filter."""

    __tablename__ = "filters"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    guild_id: Mapped[int] = mapped_column(BigInteger)
    pattern: Mapped[str] = mapped_column(Text)
    kind: Mapped[FilterKind] = mapped_column(String(8))
    action: Mapped[FilterAction] = mapped_column(String(8))
    strictness: Mapped[FilterStrictness] = mapped_column(
        String(8), default=FilterStrictness.WHOLE, server_default=FilterStrictness.WHOLE
    )

    __table_args__ = (UniqueConstraint("guild_id", "kind", "pattern"),)


class AuditRow(Base):
    """A moderator's action; database triggers refuse every change."""

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    guild_id: Mapped[int] = mapped_column(BigInteger)
    moderator_id: Mapped[int] = mapped_column(BigInteger)
    action: Mapped[str] = mapped_column(String(40))
    person_id: Mapped[int | None] = mapped_column(BigInteger)
    job_id: Mapped[int | None]
    detail: Mapped[str] = mapped_column(Text)
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (
        Index(None, "guild_id", "id"),
        Index(None, "guild_id", "person_id", "id"),
        {"sqlite_autoincrement": True},
    )


class RefusalRow(Base):
    """A request that became no job."""

    __tablename__ = "refusals"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    guild_id: Mapped[int | None] = mapped_column(BigInteger)
    channel_id: Mapped[int] = mapped_column(BigInteger)
    person_id: Mapped[int] = mapped_column(BigInteger)
    why: Mapped[str] = mapped_column(String(40))
    prompt: Mapped[str] = mapped_column(Text)
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (Index(None, "guild_id", "asked_at"), Index(None, "person_id"))

"""search: the searchable text of prompts, an FTS5 index of it, and a server's jobs by each filter.

A later revision that copies the table of jobs (a batch with a constraint or a dropped column) must
recreate the three triggers: SQLite drops them with the old table.
"""

import sqlalchemy as sa
from alembic import op

from bot.db.records import Words
from bot.db.search.search_words import searchable

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

FILLED_AT_ONCE = 1000

# Trigrams find parts of words, and words in languages without spaces between them. Knowing which
# job contains one is enough (`detail=none`): the position is checked in the job itself, and the
# index is a third as large.
INDEX = (
    "CREATE VIRTUAL TABLE job_words USING fts5("
    "folded_words, content='jobs', content_rowid='id', tokenize='trigram', detail=none)"
)
TAKE_OUT = (
    "INSERT INTO job_words (job_words, rowid, folded_words)"
    " VALUES ('delete', old.id, old.folded_words);"
)
PUT_IN = "INSERT INTO job_words (rowid, folded_words) VALUES (new.id, new.folded_words);"
TRIGGERS = (
    f"CREATE TRIGGER job_words_insert AFTER INSERT ON jobs BEGIN {PUT_IN} END",
    f"CREATE TRIGGER job_words_delete AFTER DELETE ON jobs BEGIN {TAKE_OUT} END",
    "CREATE TRIGGER job_words_update AFTER UPDATE OF folded_words ON jobs"
    f" BEGIN {TAKE_OUT} {PUT_IN} END",
)


def upgrade() -> None:
    op.add_column("jobs", sa.Column("folded_words", sa.Text(), server_default="", nullable=False))
    fill()
    op.create_index("ix_jobs_guild_id", "jobs", ["guild_id"])
    op.create_index("ix_jobs_guild_id_checkpoint", "jobs", ["guild_id", "checkpoint"])
    op.create_index("ix_jobs_guild_id_status", "jobs", ["guild_id", "status"])
    op.create_index("ix_jobs_guild_id_asked_at", "jobs", ["guild_id", "asked_at"])
    op.create_index(
        "ix_jobs_guild_id_flagged",
        "jobs",
        ["guild_id"],
        sqlite_where=sa.text("flagged IS NOT NULL"),
    )
    op.execute(INDEX)
    op.execute("INSERT INTO job_words (job_words) VALUES ('rebuild')")
    for trigger in TRIGGERS:
        op.execute(trigger)


def fill() -> None:
    """Fill in the searchable text of existing jobs."""
    connection = op.get_bind()
    some = sa.text(
        "SELECT id, coalesce(typed_prompt, prompt) AS prompt,"
        " coalesce(typed_negative_prompt, negative_prompt) AS negative_prompt"
        " FROM jobs WHERE id > :last ORDER BY id LIMIT :count"
    )
    write = sa.text("UPDATE jobs SET folded_words = :words WHERE id = :id")
    last = 0
    while rows := connection.execute(some, {"last": last, "count": FILLED_AT_ONCE}).all():
        connection.execute(
            write,
            [
                {"id": row.id, "words": searchable(Words(row.prompt, row.negative_prompt))}
                for row in rows
            ],
        )
        last = rows[-1].id


def downgrade() -> None:
    for change in ("insert", "delete", "update"):
        op.execute(f"DROP TRIGGER job_words_{change}")
    op.execute("DROP TABLE job_words")
    op.drop_index("ix_jobs_guild_id_flagged", "jobs")
    op.drop_index("ix_jobs_guild_id_asked_at", "jobs")
    op.drop_index("ix_jobs_guild_id_status", "jobs")
    op.drop_index("ix_jobs_guild_id_checkpoint", "jobs")
    op.drop_index("ix_jobs_guild_id", "jobs")
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.drop_column("folded_words")

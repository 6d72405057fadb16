"""short words: one or two letters are looked up in the index, too.

The trigrams that begin with them are found in the index's own list of terms. So that one begins at
every letter, the index is of the searchable text with two line ends after it; a view has it so.

A later revision that copies the table of jobs (a batch with a constraint or a dropped column) must
recreate the three triggers: SQLite drops them with the old table.
"""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

PADDED = "folded_words || char(10, 10)"
VIEW = f"CREATE VIEW job_texts AS SELECT id, {PADDED} AS folded_words FROM jobs"  # noqa: S608
TERMS = "CREATE VIRTUAL TABLE job_words_terms USING fts5vocab('job_words', 'instance')"


def upgrade() -> None:
    drop()
    op.execute(VIEW)
    create("job_texts", padded=True)
    op.execute(TERMS)


def downgrade() -> None:
    op.execute("DROP TABLE job_words_terms")
    drop()
    op.execute("DROP VIEW job_texts")
    create("jobs", padded=False)


def drop() -> None:
    """Drop the index and its triggers."""
    for change in ("insert", "delete", "update"):
        op.execute(f"DROP TRIGGER job_words_{change}")
    op.execute("DROP TABLE job_words")


def create(content: str, *, padded: bool) -> None:
    """Create the index of a table or view, and what keeps it."""
    words = PADDED if padded else "folded_words"
    take_out = (
        "INSERT INTO job_words (job_words, rowid, folded_words)"  # noqa: S608
        f" VALUES ('delete', old.id, old.{words});"
    )
    put_in = f"INSERT INTO job_words (rowid, folded_words) VALUES (new.id, new.{words});"  # noqa: S608
    op.execute(
        "CREATE VIRTUAL TABLE job_words USING fts5(folded_words,"
        f" content='{content}', content_rowid='id', tokenize='trigram', detail=none)"
    )
    op.execute("INSERT INTO job_words (job_words) VALUES ('rebuild')")
    op.execute(f"CREATE TRIGGER job_words_insert AFTER INSERT ON jobs BEGIN {put_in} END")
    op.execute(f"CREATE TRIGGER job_words_delete AFTER DELETE ON jobs BEGIN {take_out} END")
    op.execute(
        "CREATE TRIGGER job_words_update AFTER UPDATE OF folded_words ON jobs"
        f" BEGIN {take_out} {put_in} END"
    )

"""retention: which jobs' pictures are pruned, and indexes to find the oldest."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("pruned_at", sa.DateTime(), nullable=True))
    op.create_index(
        "ix_jobs_asked_at_unpruned", "jobs", ["asked_at"], sqlite_where=sa.text("pruned_at IS NULL")
    )
    op.create_index(
        "ix_jobs_asked_at_worded",
        "jobs",
        ["asked_at"],
        sqlite_where=sa.text("prompt != '(erased)'"),
    )
    op.create_index("ix_favourites_job_id", "favourites", ["job_id"])


def downgrade() -> None:
    op.drop_index("ix_favourites_job_id", "favourites")
    op.drop_index("ix_jobs_asked_at_worded", "jobs")
    op.drop_index("ix_jobs_asked_at_unpruned", "jobs")
    op.execute("ALTER TABLE jobs DROP COLUMN pruned_at")

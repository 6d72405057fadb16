"""an index for a person's daily usage in a server."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_jobs_guild_id_person_id_asked_at", "jobs", ["guild_id", "person_id", "asked_at"]
    )


def downgrade() -> None:
    op.drop_index("ix_jobs_guild_id_person_id_asked_at", table_name="jobs")

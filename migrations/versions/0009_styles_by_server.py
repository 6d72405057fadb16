"""a server's jobs by style, for example pictures."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_jobs_guild_id_style",
        "jobs",
        ["guild_id", "style"],
        sqlite_where=sa.text("style IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_jobs_guild_id_style", "jobs")

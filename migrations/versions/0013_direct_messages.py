"""the location of a job's message, and what happens to refused pictures."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "jobs", sa.Column("guest", sa.Boolean(), server_default=sa.text("0"), nullable=False)
    )
    op.add_column("jobs", sa.Column("direct_channel_id", sa.BigInteger(), nullable=True))
    op.add_column(
        "jobs", sa.Column("keep_refused", sa.Boolean(), server_default=sa.text("1"), nullable=False)
    )


def downgrade() -> None:
    # One by one, which leaves the table and its triggers in place.
    for column in ("keep_refused", "direct_channel_id", "guest"):
        op.drop_column("jobs", column)

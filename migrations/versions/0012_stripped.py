"""stripped."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("stripped", sa.Text(), nullable=True))


def downgrade() -> None:
    # Not in a batch: that would recreate the table, without the triggers of 0008.
    op.drop_column("jobs", "stripped")

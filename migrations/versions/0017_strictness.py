"""how strictly a filter's words are matched."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    strictness = sa.Column("strictness", sa.String(8), nullable=False, server_default="whole")
    op.add_column("filters", strictness)


def downgrade() -> None:
    op.drop_column("filters", "strictness")

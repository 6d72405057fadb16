"""the prompts as typed, before a style was applied."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("typed_prompt", sa.Text(), nullable=True))
    op.add_column("jobs", sa.Column("typed_negative_prompt", sa.Text(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.drop_column("typed_negative_prompt")
        batch_op.drop_column("typed_prompt")

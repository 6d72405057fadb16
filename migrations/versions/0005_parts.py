"""several jobs from one interaction."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("part", sa.Integer(), nullable=False, server_default="0"))
        batch_op.drop_constraint(batch_op.f("uq_jobs_interaction_id"), type_="unique")
        batch_op.create_unique_constraint(
            batch_op.f("uq_jobs_interaction_id_part"), ["interaction_id", "part"]
        )


def downgrade() -> None:
    # Earlier databases allow one job per interaction: the others are deleted, with dependent rows.
    op.execute("DELETE FROM favourites WHERE job_id IN (SELECT id FROM jobs WHERE part > 0)")
    op.execute("DELETE FROM pictures WHERE job_id IN (SELECT id FROM jobs WHERE part > 0)")
    op.execute(
        "UPDATE jobs SET parent_id = NULL WHERE parent_id IN (SELECT id FROM jobs WHERE part > 0)"
    )
    op.execute("DELETE FROM jobs WHERE part > 0")
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("uq_jobs_interaction_id_part"), type_="unique")
        batch_op.create_unique_constraint(batch_op.f("uq_jobs_interaction_id"), ["interaction_id"])
        batch_op.drop_column("part")

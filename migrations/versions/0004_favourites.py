"""favourites, deleted jobs, and indexes from a job to its children and its source's users."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("deleted_at", sa.DateTime(), nullable=True))
        batch_op.create_index(batch_op.f("ix_jobs_parent_id"), ["parent_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_jobs_source_sha256"), ["source_sha256"], unique=False)

    op.create_table(
        "favourites",
        sa.Column("person_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("job_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("added_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.id"], name=op.f("fk_favourites_job_id_jobs"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("person_id", "job_id", name=op.f("pk_favourites")),
    )


def downgrade() -> None:
    op.drop_table("favourites")
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_jobs_source_sha256"))
        batch_op.drop_index(batch_op.f("ix_jobs_parent_id"))
        batch_op.drop_column("deleted_at")

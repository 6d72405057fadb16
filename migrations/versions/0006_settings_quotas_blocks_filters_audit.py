"""settings, quotas, blocks, filters, audit."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "allowances",
        sa.Column("guild_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("holder", sa.String(length=8), nullable=False),
        sa.Column("holder_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("pictures_per_day", sa.Integer(), nullable=True),
        sa.Column("extra", sa.Integer(), server_default="0", nullable=False),
        sa.Column("extra_on", sa.Date(), nullable=True),
        sa.Column("counted_from", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("guild_id", "holder", "holder_id", name=op.f("pk_allowances")),
    )
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("moderator_id", sa.BigInteger(), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("job_id", sa.Integer(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_guild_id_id", "audit", ["guild_id", "id"])
    op.create_index(
        "ix_audit_guild_id_person_id_id",
        "audit",
        ["guild_id", "person_id", "id"],
        unique=False,
    )

    op.create_table(
        "blocks",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by_id", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.Column("until", sa.DateTime(), nullable=True),
        sa.Column("lifted_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_blocks")),
    )
    op.create_index("ix_blocks_guild_id_id", "blocks", ["guild_id", "id"])
    op.create_index("ix_blocks_person_id_guild_id", "blocks", ["person_id", "guild_id"])

    op.create_table(
        "defaults",
        sa.Column("person_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("defaults", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_defaults")),
    )
    op.create_table(
        "filters",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("pattern", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("action", sa.String(length=8), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_filters")),
        sa.UniqueConstraint(
            "guild_id", "kind", "pattern", name=op.f("uq_filters_guild_id_kind_pattern")
        ),
    )
    op.create_table(
        "refusals",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=True),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.String(length=40), nullable=False),
        sa.Column("prompt", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refusals")),
    )
    op.create_index("ix_refusals_guild_id_asked_at", "refusals", ["guild_id", "asked_at"])
    op.create_index("ix_refusals_person_id", "refusals", ["person_id"])

    op.create_table(
        "rules",
        sa.Column("guild_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("channel_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.Column("changed_by", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("guild_id", "channel_id", name=op.f("pk_rules")),
    )
    op.add_column("jobs", sa.Column("style", sa.String(length=100), nullable=True))
    op.add_column("jobs", sa.Column("flagged", sa.Text(), nullable=True))
    op.add_column("jobs", sa.Column("spoiler_above", sa.Double(), nullable=True))
    op.add_column("jobs", sa.Column("refuse_above", sa.Double(), nullable=True))
    op.add_column(
        "jobs", sa.Column("private", sa.Boolean(), server_default=sa.text("0"), nullable=False)
    )
    op.add_column(
        "jobs", sa.Column("locale", sa.String(length=10), server_default="en-US", nullable=False)
    )
    op.add_column("jobs", sa.Column("filesize_limit", sa.Integer(), nullable=True))

    op.add_column("pictures", sa.Column("nsfw", sa.Double(), nullable=True))
    op.add_column(
        "pictures",
        sa.Column("verdict", sa.String(length=16), server_default="shown", nullable=False),
    )
    # Audit entries are written once and never changed.
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER audit_no_{change.lower()} BEFORE {change} ON audit"
            " BEGIN SELECT RAISE(ABORT, 'the audit trail cannot be changed'); END"
        )


def downgrade() -> None:
    with op.batch_alter_table("pictures", schema=None) as batch_op:
        batch_op.drop_column("verdict")
        batch_op.drop_column("nsfw")

    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.drop_column("filesize_limit")
        batch_op.drop_column("locale")
        batch_op.drop_column("private")
        batch_op.drop_column("refuse_above")
        batch_op.drop_column("spoiler_above")
        batch_op.drop_column("flagged")
        batch_op.drop_column("style")

    op.drop_table("rules")
    op.drop_table("refusals")
    op.drop_table("filters")
    op.drop_table("defaults")
    op.drop_table("blocks")
    op.drop_table("audit")
    op.drop_table("allowances")

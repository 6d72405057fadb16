"""a job's request as JSON; columns remain for what queries need.

Columns are added and dropped one by one rather than in a batch: that would recreate the table,
without the triggers of 0008.
"""

import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

AT_ONCE = 1000
WORDED = "ix_jobs_asked_at_worded"

FIELDS: dict[str, sa.types.TypeEngine[Any]] = {
    "prompt": sa.Text(),
    "checkpoint": sa.String(200),
    "width": sa.Integer(),
    "height": sa.Integer(),
    "num_inference_steps": sa.Integer(),
    "guidance_scale": sa.Float(),
    "sampler": sa.String(40),
    "seed": sa.BigInteger(),
    "negative_prompt": sa.Text(),
    "num_images": sa.Integer(),
    "strength": sa.Float(),
}
STAYING = ("checkpoint", "num_images")
# The columns' values before a downgrade fills them.
EMPTY = {sa.Integer: "0", sa.BigInteger: "0", sa.Float: "0", sa.Text: "", sa.String: ""}


def upgrade() -> None:
    op.drop_index(WORDED, "jobs")
    op.add_column("jobs", sa.Column("request", sa.Text(), server_default="{}", nullable=False))
    connection = op.get_bind()
    write = sa.text("UPDATE jobs SET request = :request WHERE id = :id")
    for rows in stretches(", ".join(FIELDS)):
        requests = [{field: getattr(row, field) for field in FIELDS} for row in rows]
        written = [json.dumps(one, ensure_ascii=False, allow_nan=False) for one in requests]
        connection.execute(
            write,
            [{"id": row.id, "request": one} for row, one in zip(rows, written, strict=True)],
        )
    for field in FIELDS:
        if field not in STAYING:
            op.drop_column("jobs", field)
    create_index("folded_words != '(erased)\n'")


def downgrade() -> None:
    op.drop_index(WORDED, "jobs")
    for field, kind in FIELDS.items():
        if field in STAYING:
            continue
        optional = field == "strength"
        default = None if optional else EMPTY[type(kind)]
        op.add_column("jobs", sa.Column(field, kind, server_default=default, nullable=optional))
    connection = op.get_bind()
    changes = ", ".join(f"{field} = :{field}" for field in FIELDS)
    write = sa.text(f"UPDATE jobs SET {changes} WHERE id = :id")  # noqa: S608
    for rows in stretches("request"):
        requests = [json.loads(row.request) for row in rows]
        connection.execute(
            write,
            [
                {"id": row.id, **{field: request.get(field) for field in FIELDS}}
                for row, request in zip(rows, requests, strict=True)
            ],
        )
    op.drop_column("jobs", "request")
    create_index("prompt != '(erased)'")


def stretches(columns: str) -> Iterator[Any]:
    """Yield all jobs' ids and these columns, in batches."""
    some = sa.text(
        f"SELECT id, {columns} FROM jobs WHERE id > :last ORDER BY id LIMIT :count"  # noqa: S608
    )
    last = 0
    while rows := op.get_bind().execute(some, {"last": last, "count": AT_ONCE}).all():
        yield rows
        last = rows[-1].id


def create_index(worded: str) -> None:
    op.create_index(WORDED, "jobs", ["asked_at"], sqlite_where=sa.text(worded))

"""Rows as other releases, bad luck or a test leave them: written past the stores."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Executable, text

from bot.db.database import Database


async def execute(
    database: Database, *statements: str | Executable, values: Mapping[str, Any] | None = None
) -> None:
    """Run statements, each with these values; who has such rows in memory forgets them."""

    def write(connection: Connection) -> None:
        for one in statements:
            statement = text(one) if isinstance(one, str) else one
            connection.execute(statement, dict(values or {}))

    await database.write(write, database.rewritten)

"""Alembic's entry point: one SQLite file, in batch mode, as SQLite alters tables by copying."""

from alembic import context
from sqlalchemy import Connection, create_engine, event, pool
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from bot.db.models import Base


def _on_connect(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # the driver would commit before each change of a table
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.close()


def _on_begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _is_ours(name: str | None, kind: str, _: object) -> bool:
    """Leave out the word index: FTS5 keeps it in tables of its own."""
    return not (kind == "table" and name is not None and name.startswith("job_words"))


def run() -> None:
    """Apply the requested revisions, all or none: SQLite can roll back DDL too."""
    engine = create_engine(
        f"sqlite:///{context.config.attributes['database']}", poolclass=pool.NullPool
    )
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            render_as_batch=True,
            transactional_ddl=True,
            include_name=_is_ours,
        )
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run()

"""The one thread that writes, and commits together what arrives together.

SQLite has a single writer and makes others poll; here they queue. A disk takes as long for one
commit as for many, so while it is busy with one, the next is filled.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, RootTransaction
from sqlalchemy.exc import DBAPIError

from bot.db.errors import StoreBusy, StoreClosed, StoreError
from bot.db.faults import as_store_errors
from bot.db.sqlite import BUSY_TIMEOUT_MS

LEAST_S = 0.1  # to wait for other processes, after however long a wait for our own turn

T = TypeVar("T")
Work = Callable[[Connection], T]


@dataclass(slots=True, eq=False)
class Unit:
    """One caller's work, its result once that is on disk, and who hears of it first."""

    work: Work[Any]
    done: asyncio.Future[Any]
    committed: Callable[[Any], None]
    context: Context = field(default_factory=copy_context)  # the caller's
    since: float = field(default_factory=time.monotonic)
    result: Any = None
    error: BaseException | None = None

    @property
    def left_s(self) -> float:
        """In how many seconds it is to begin."""
        return self.since + BUSY_TIMEOUT_MS / 1000 - time.monotonic()


class Writer:
    """Owns the connection that writes, the only one of its ``engine``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._waiting: list[Unit] = []
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)

    async def write(self, work: Work[T], committed: Callable[[T], None]) -> T:
        """Run ``work`` in the writer's thread; return its result once that is on disk.

        ``committed`` gets it first: in the order of commits, and even if the caller is cancelled.
        Raises what the work raises, or StoreError; StoreBusy if it did not begin in time.
        """
        loop = asyncio.get_running_loop()
        unit = Unit(work, loop.create_future(), committed)
        self._put(unit)
        timer = loop.call_later(unit.left_s, self._give_up, unit)
        try:
            result: T = await unit.done
        finally:
            timer.cancel()
        return result

    def close(self) -> None:
        """Write what is waiting, and end the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join()

    def _put(self, unit: Unit) -> None:
        with self._changed:
            if self._closed:
                raise StoreClosed("the database is closed")
            if self._thread.ident is None:
                self._thread.start()
            self._waiting.append(unit)
            self._changed.notify()

    def _give_up(self, unit: Unit) -> None:
        """Take a unit back that waited too long for others; what has begun is left to end."""
        with self._changed:
            if unit not in self._waiting:
                return
            self._waiting.remove(unit)
        unit.error = StoreBusy("other writers take too long; nothing was written")
        _tell([unit])

    def _run(self) -> None:
        while batch := self._next():
            for unit in batch:
                unit.result = unit.error = None
            try:
                with as_store_errors():
                    self._write_batch(batch)
            except BaseException as error:  # noqa: BLE001 - it is theirs who brought the work
                if isinstance(error, _NotBegun):
                    batch = self._overdue(batch)
                for unit in batch:
                    unit.error = error.busy if isinstance(error, _NotBegun) else error
            if batch:
                with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                    batch[0].done.get_loop().call_soon_threadsafe(_tell, batch)

    def _next(self) -> list[Unit]:
        """Wait for work; return all there is, nothing once closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            batch, self._waiting = self._waiting, []
            return batch

    def _overdue(self, batch: list[Unit]) -> list[Unit]:
        """Return the units whose time is up; the others line up again."""
        later = [unit for unit in batch if unit.left_s > 0]
        with self._changed:
            self._waiting[:0] = later
        return [unit for unit in batch if unit not in later]

    def _write_batch(self, batch: Sequence[Unit]) -> None:
        """Write all in one transaction; raises what none of it survives."""
        with (
            self._engine.connect() as connection,
            _begun(connection, max(LEAST_S, batch[0].left_s)),
        ):
            if len(batch) == 1:
                batch[0].result = batch[0].work(connection)
                return
            for unit in batch:
                _attempt(unit, connection)


class _NotBegun(Exception):
    """Another process holds the database."""

    def __init__(self, busy: StoreBusy) -> None:
        super().__init__()
        self.busy = busy


def _begun(connection: Connection, within_s: float) -> RootTransaction:
    """Begin the transaction, or raise _NotBegun."""
    driven: Any = connection.connection.driver_connection
    driven.execute(f"PRAGMA busy_timeout={round(1000 * within_s)}")
    try:
        with as_store_errors():
            return connection.begin()
    except StoreBusy as busy:
        raise _NotBegun(busy) from busy


def _attempt(unit: Unit, connection: Connection) -> None:
    """Do one unit's work in a savepoint: if it fails, the others' work stands."""
    connection.exec_driver_sql("SAVEPOINT unit")
    try:
        with as_store_errors():
            unit.result = unit.work(connection)
    except Exception as error:
        # What SQLite cannot go on from is everybody's trouble; what a file is, is not.
        if isinstance(error, StoreError) and isinstance(error.__cause__, DBAPIError):
            raise
        unit.error = error
        connection.exec_driver_sql("ROLLBACK TO unit")
    connection.exec_driver_sql("RELEASE unit")


def _tell(batch: Sequence[Unit]) -> None:
    """Tell each caller the outcome, in the loop's thread."""
    for unit in batch:
        if unit.error is None:
            try:
                unit.context.run(unit.committed, unit.result)
            except Exception as error:  # noqa: BLE001 - a bug, and no reason to let others wait
                unit.error = error
        if unit.done.done():  # the caller was cancelled
            continue
        if unit.error is None:
            unit.done.set_result(unit.result)
        else:
            unit.done.set_exception(unit.error)

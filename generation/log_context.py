"""What log lines are about: the job, from the command to the worker, the shard and the lane.

Imports no torch. Code handling a job sets it, and the log formatter reads it. Tasks inherit it from
the task that created them, like every context variable, and so do calls of `asyncio.to_thread`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

JOB: ContextVar[int | None] = ContextVar("job", default=None)
SHARD: ContextVar[int | None] = ContextVar("shard", default=None)  # of Discord's gateway
LANE: ContextVar[str | None] = ContextVar("lane", default=None)

_own_lane: str | None = None


@contextmanager
def about(job: int | None) -> Iterator[None]:
    """Mark log lines written inside as being about this job, or about none."""
    before = JOB.set(job)
    try:
        yield
    finally:
        JOB.reset(before)


def be_lane(name: str) -> None:
    """Mark every line of this process, whatever its thread, as this lane's: it is its worker."""
    global _own_lane
    _own_lane = name


def lane() -> str | None:
    """Return the name of the lane that a line written here is about, if any."""
    return LANE.get() or _own_lane

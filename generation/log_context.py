"""Which job a line of the log is about, from the command to the worker. Imports no torch.

Whoever handles a job says so here; whoever writes the log asks. A task inherits it from the task
that made it, as every context variable, and `asyncio.to_thread` hands it on as well.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

JOB: ContextVar[int | None] = ContextVar("job", default=None)


@contextmanager
def about(job: int | None) -> Iterator[None]:
    """Let the lines that are written inside be about this job, or about none."""
    before = JOB.set(job)
    try:
        yield
    finally:
        JOB.reset(before)

"""What became of the jobs that were accepted."""

import asyncio
import sqlite3
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import Figures
from benchmarks.storms.crowd import job_of, labels
from bot.db.database import FILE_NAME
from playground import Playground
from playground.messages.messages import Message

KEPT = "Details"  # a button that only finished jobs have
LOOK_S = 0.5
# The beginnings of lines that say why there are no pictures.
TOLD = ("⚠️", "✖️")


@dataclass(slots=True)
class Verdicts:
    """The jobs by outcome, and a line for each unacceptable one."""

    posted_once: int = 0
    told: int = 0
    lost: int = 0
    twice: int = 0
    stuck: int = 0
    wrong: list[str] = field(default_factory=list)

    def bad(self) -> bool:
        """Tell whether there are any unacceptable outcomes."""
        return bool(self.lost or self.twice or self.stuck)

    def figures(self) -> Figures:
        """Return the figures to print."""
        kinds = {
            "posted_once": self.posted_once,
            "told": self.told,
            "lost": self.lost,
            "twice": self.twice,
            "stuck": self.stuck,
        }
        return {"accepted": sum(kinds.values()), **kinds}


class Judge:
    """Compares Discord's messages with the rows."""

    def __init__(self, playground: Playground, folder: Path, accepted: dict[int, Message]) -> None:
        self._playground = playground
        self._database = folder / FILE_NAME
        self._accepted = accepted

    async def settle(self, within: float) -> None:
        """Wait until no row is open, for at most this many seconds after the last one ended."""
        clock = asyncio.get_running_loop().time
        open_jobs, deadline = self._open(), clock() + within
        while open_jobs and clock() < deadline:
            await asyncio.sleep(LOOK_S)
            still = self._open()
            if len(still) != len(open_jobs):
                deadline = clock() + within
            open_jobs = still

    def verdicts(self) -> Verdicts:
        """Sort the jobs by outcome."""
        finished: dict[int, list[Message]] = defaultdict(list)
        for message in self._playground.state.messages.everything():
            job_id = job_of(message)
            if job_id is not None and KEPT in labels(message) and not message.deleted:
                finished[job_id].append(message)
        found, open_jobs = Verdicts(), self._open()
        for job_id in sorted(self._accepted.keys() | finished.keys()):
            answer = self._accepted.get(job_id)
            copies = len(finished[job_id])
            if job_id in open_jobs:
                found.stuck += 1
                found.wrong.append(f"job {job_id} is {open_jobs[job_id]}: {_said(answer)}")
            elif copies > 1:
                found.twice += 1
                found.wrong.append(f"job {job_id} is in {copies} messages")
            elif copies == 1:
                found.posted_once += 1
            elif answer is not None and _last_line(answer).startswith(TOLD):
                found.told += 1
            else:
                found.lost += 1
                found.wrong.append(f"job {job_id} was lost: {_said(answer)}, {self._row(job_id)}")
        return found

    def _row(self, job_id: int) -> object:
        query = "SELECT status, error, started_at, ended_at FROM jobs WHERE id = ?"
        with closing(self._connect()) as connection:
            return connection.execute(query, (job_id,)).fetchone()

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(f"{self._database.as_uri()}?mode=ro", uri=True)

    def _open(self) -> dict[int, str]:
        with closing(self._connect()) as connection:
            return dict(connection.execute("SELECT id, status FROM jobs WHERE ended_at IS NULL"))


def _last_line(message: Message) -> str:
    return message.content.splitlines()[-1] if message.content else ""


def _said(message: Message | None) -> str:
    return "without an answer" if message is None else repr(_last_line(message))

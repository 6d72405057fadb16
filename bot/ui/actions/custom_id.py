"""Custom ids of job buttons and forms. They contain only ids, so they survive restarts."""

import re
from dataclasses import dataclass
from typing import Self

from bot.db.records import Job

# A row id has at most 63 bits, which the store checks; a picture's number is one digit.
TEMPLATE = re.compile(
    r"job:(?P<job>[0-9]{1,19}):(?P<action>[a-z]+)"
    r"(?::(?P<index>[0-9]?)(?::(?P<mark>[0-9a-f]{1,16}))?)?"
)


@dataclass(frozen=True, slots=True)
class CustomId:
    """The contents of a button's custom id; earlier releases had no ``mark`` of the job."""

    job_id: int
    action: str
    index: int | None = None
    mark: str | None = None

    def __str__(self) -> str:
        parts = ["job", self.job_id, self.action, "" if self.index is None else self.index]
        return ":".join(map(str, [*parts, self.mark or ""])).rstrip(":")

    @classmethod
    def of(cls, job: Job, action: str, index: int | None = None) -> Self:
        """Return the custom id of a job's button."""
        return cls(job.id, action, index, job.mark)

    @classmethod
    def from_match(cls, match: re.Match[str]) -> Self:
        """Parse the parts; they are validated when the button is pressed."""
        index = int(match["index"]) if match["index"] else None
        return cls(int(match["job"]), match["action"], index, match["mark"])

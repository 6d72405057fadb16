"""Why a person's wish is not granted.

JobError
├── QueueFull        everybody's queue is full
├── QuotaReached     this person has enough waiting; says when to come back
├── NotAllowedHere   Darkroom may not post pictures in this place; names what it lacks
├── NothingToDo      the job has ended already
├── JobNotFound      no such job in this server
├── PictureNotFound  the job has no such picture
├── FileUnavailable  Discord did not hand out an attached file in time
└── NotYours         only its author or a moderator may do this
"""


class JobError(Exception):
    """The family; its text is one line for the person who asked."""


class QueueFull(JobError):
    """As many jobs wait altogether as may."""


class QuotaReached(JobError):
    """The person has as many jobs waiting as one person may."""


class NotAllowedHere(JobError):
    """Darkroom lacks permissions in this channel, found before any work is done."""

    def __init__(self, missing: tuple[str, ...]) -> None:
        super().__init__(missing)
        self.missing = missing

    def __str__(self) -> str:
        return f"I need {' and '.join(self.missing)} here to post pictures."


class NothingToDo(JobError):
    """The job has ended already."""


class JobNotFound(JobError):
    """There is no such job in this server."""


class PictureNotFound(JobError):
    """The job has no picture with this number."""


class FileUnavailable(JobError):
    """Discord did not hand out an attached file in time."""


class NotYours(JobError):
    """Neither the author of the job nor a moderator."""

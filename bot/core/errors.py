"""Why a person's request is not granted.

JobError
├── QueueFull        everybody's queue is full
├── QuotaReached     this person has enough waiting, or enough for a day; says when to come back
├── Blocked          this person may ask for nothing here; says why and until when
├── PromptRefused    the rules there forbid its words; which ones is not said
├── NotAllowedHere   Darkroom may not post pictures in this place; names what it lacks
├── PlaceClosed      the server's administrators want no pictures in this place; says where
├── RoleNeeded       the server's administrators want them from some roles only; says which
├── NothingToDo      the job has ended already, or not yet
├── AgeRestricted    the checkpoint or style is for age-restricted channels; names it
├── JobNotFound      no such job in this server, or none to be seen from there
├── ForeignButton    the button belongs to a job of another database that has the same number
├── JobRemoved       the job was deleted, by its author or a moderator
├── CarriedOut       another's age-restricted pictures stay in age-restricted channels
├── WordsNotKept     the job's words were removed, and it cannot be drawn without them
├── PictureNotFound  the job has no such picture
├── FileUnavailable  Discord did not hand out an attached file in time
├── DiscordRefused   Discord does not let us do what the person asked for; says why
├── NotYours         only its author or a moderator may do this
├── Interrupted      it failed, and the bot was stopped before it could say why
├── NotBlockable     moderators cannot block this person
├── ServerUnknown    Discord has not said yet who may do what in this server
├── OwnersOnly       what holds everywhere is up to the bot's owners
└── NotFilterable    this filter cannot be added
"""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from bot.texts import all_of, any_of, say


class JobError(Exception):
    """The family; its text is one line for the person who asked."""


class QueueFull(JobError):
    """As many jobs wait altogether as may."""


class QuotaReached(JobError):
    """The person has as many jobs waiting as one person may, or as many pictures in a day."""


class Interrupted(JobError):
    """A job had failed when the bot was stopped, and nobody had been told yet."""


class Blocked(JobError):
    """Moderators let this person ask for nothing, until some time or for good (None)."""

    def __init__(self, reason: str, until: datetime | None) -> None:
        super().__init__(reason, until)
        self.reason = reason
        self.until = until


class PromptRefused(JobError):
    """A filter forbids these words; whoever knew which would look for a way around it."""

    def __str__(self) -> str:
        return say("error-prompt-refused")


class NotAllowedHere(JobError):
    """Darkroom lacks permissions in this channel, found before any work is done."""

    def __init__(self, missing: tuple[str, ...]) -> None:
        super().__init__(missing)
        self.missing = missing

    def __str__(self) -> str:
        return say("error-not-allowed-here", missing=all_of(self.missing))


class AgeRestricted(JobError):
    """The checkpoint or style is for age-restricted channels, and this is none."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class NotOffered(JobError):
    """The bot's owner offers no pictures in such places."""


class PlaceClosed(JobError):
    """Pictures are not wanted in this place; ``open_ids`` are the channels where they are."""

    shown: ClassVar[int] = 10  # so that the line fits a message

    def __init__(self, open_ids: Sequence[int]) -> None:
        super().__init__(open_ids)
        self.open_ids = open_ids

    def __str__(self) -> str:
        if not self.open_ids:
            return say("error-place-closed")
        channels = all_of(f"<#{one}>" for one in self.open_ids[: self.shown])
        return say("error-place-elsewhere", channels=channels)


class RoleNeeded(JobError):
    """Pictures are for people with one of ``role_ids`` here."""

    shown: ClassVar[int] = 10

    def __init__(self, role_ids: Sequence[int]) -> None:
        super().__init__(role_ids)
        self.role_ids = role_ids

    def __str__(self) -> str:
        roles = any_of(f"<@&{one}>" for one in self.role_ids[: self.shown])
        return say("error-role-needed", roles=roles)


class NothingToDo(JobError):
    """The job has ended already, or has not ended yet where only that would help."""


class JobNotFound(JobError):
    """There is no such job in this server, or none that this person can see from here."""


class ForeignButton(JobError):
    """The job of this number is not the one that the button was made for."""

    def __str__(self) -> str:
        return say("error-button-foreign")


class JobRemoved(JobError):
    """Its author or a moderator removed the job's pictures; nothing more is made of it."""

    def __str__(self) -> str:
        return say("error-job-removed")


class CarriedOut(JobError):
    """Another's age-restricted pictures were to be sent where nobody asks for a person's age."""

    def __str__(self) -> str:
        return say("error-carried-out")


class WordsNotKept(JobError):
    """The job's words were kept for long enough, and nothing can be drawn like it without them."""

    def __str__(self) -> str:
        return say("error-words-not-kept")


class PictureNotFound(JobError):
    """The job has no picture with this number."""


class FileUnavailable(JobError):
    """Discord did not hand out an attached file in time."""


class DiscordRefused(JobError):
    """Discord does not let us do what the person asked for."""


class NotYours(JobError):
    """Neither the author of the job nor a moderator."""


class NotBlockable(JobError):
    """A moderator can block neither themselves, nor us, nor other moderators."""


class ServerUnknown(JobError):
    """Discord has not told us of this server's roles yet, as after an outage."""

    def __str__(self) -> str:
        return say("error-server-unknown")


class OwnersOnly(JobError):
    """What holds in every server is decided by the bot's owners."""

    def __str__(self) -> str:
        return say("error-owners-only")


class NotFilterable(JobError):
    """The filter is there already, or there are as many as may be."""

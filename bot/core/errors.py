"""Why a request is refused.

JobError
├── QueueFull        the whole queue is full
├── QuotaReached     the person has reached a limit of waiting jobs or the day; says when to retry
├── Blocked          the person may not generate here; says why and until when
├── PromptRefused    a filter forbids the prompt; does not say which words
├── NotAllowedHere   the bot lacks permissions in this channel; names them
├── PlaceClosed      administrators do not allow pictures in this place; says where they are allowed
├── RoleNeeded       administrators require one of some roles; says which
├── NothingToDo      the job has already ended, or has not ended yet
├── AgeRestricted    the checkpoint, style or LoRA is for age-restricted channels; names it
├── CheckpointReserved  the checkpoint or LoRA is for people with other roles; names it
├── LoraForbidden    administrators do not allow the LoRA in this place; names it
├── JobNotFound      no such job in this server, or none visible from here
├── ForeignButton    the button belongs to a job with the same number in another database
├── JobRemoved       the job was deleted by its author or a moderator
├── CarriedOut       another person's age-restricted pictures stay in age-restricted channels
├── WordsNotKept     the job's prompts were removed, and it cannot be generated without them
├── PictureNotFound  the job has no such picture
├── FileUnavailable  Discord did not deliver an attached file in time
├── DiscordRefused   Discord does not allow what the person asked for; says why
├── NotYours         only the author or a moderator may do this
├── Interrupted      the job failed, and the bot stopped before it could say why
├── NotBlockable     moderators cannot block this person
├── ServerUnknown    Discord has not sent this server's roles and permissions yet
├── OwnersOnly       global settings are reserved for the bot's owners
└── NotFilterable    this filter cannot be added
"""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from bot.texts import all_of, any_of, say


class JobError(Exception):
    """The base class; its text is one line for the person who made the request."""


class QueueFull(JobError):
    """The limit of waiting jobs, for everybody together, is reached."""


class QuotaReached(JobError):
    """The person has reached their limit of waiting jobs, or of pictures per day."""


class Interrupted(JobError):
    """The job had failed when the bot stopped, before anybody was told."""


class Blocked(JobError):
    """A moderator blocked this person, for some time or permanently (None)."""

    def __init__(self, reason: str, until: datetime | None) -> None:
        super().__init__(reason, until)
        self.reason = reason
        self.until = until


class PromptRefused(JobError):
    """A filter forbids the prompt. The words are not named, so that nobody works around them."""

    def __str__(self) -> str:
        return say("error-prompt-refused")


class NotAllowedHere(JobError):
    """The bot lacks permissions in this channel; found before any work is done."""

    def __init__(self, missing: tuple[str, ...]) -> None:
        super().__init__(missing)
        self.missing = missing

    def __str__(self) -> str:
        return say("error-not-allowed-here", missing=all_of(self.missing))


class AgeRestricted(JobError):
    """The checkpoint, style or LoRA needs an age-restricted channel, and this is not one."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class CheckpointReserved(JobError):
    """The bot's owner reserved the checkpoint or LoRA for roles that the person does not have."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class LoraForbidden(JobError):
    """The place's administrators do not allow the LoRA, or only others."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class NotOffered(JobError):
    """The bot's owner does not offer pictures in places like this."""


class PlaceClosed(JobError):
    """Pictures are not allowed in this place; ``open_ids`` are the channels where they are."""

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
    """Generating here requires one of ``role_ids``."""

    shown: ClassVar[int] = 10

    def __init__(self, role_ids: Sequence[int]) -> None:
        super().__init__(role_ids)
        self.role_ids = role_ids

    def __str__(self) -> str:
        roles = any_of(f"<@&{one}>" for one in self.role_ids[: self.shown])
        return say("error-role-needed", roles=roles)


class NothingToDo(JobError):
    """The job has already ended, or has not ended yet where it must have."""


class JobNotFound(JobError):
    """There is no such job in this server, or none that this person can see from here."""


class ForeignButton(JobError):
    """The job with this number is not the one the button was made for."""

    def __str__(self) -> str:
        return say("error-button-foreign")


class JobRemoved(JobError):
    """The author or a moderator deleted the job; nothing more can be made from it."""

    def __str__(self) -> str:
        return say("error-job-removed")


class CarriedOut(JobError):
    """Another person's age-restricted pictures would leave their age-restricted channel."""

    def __str__(self) -> str:
        return say("error-carried-out")


class WordsNotKept(JobError):
    """The job's prompts have expired, and nothing like it can be generated without them."""

    def __str__(self) -> str:
        return say("error-words-not-kept")


class PictureNotFound(JobError):
    """The job has no picture with this number."""


class FileUnavailable(JobError):
    """Discord did not deliver an attached file in time."""


class DiscordRefused(JobError):
    """Discord does not allow what the person asked for."""


class NotYours(JobError):
    """The person is neither the author of the job nor a moderator."""


class NotBlockable(JobError):
    """Moderators can block neither themselves, nor the bot, nor other moderators."""


class ServerUnknown(JobError):
    """Discord has not sent this server's roles yet, as after an outage."""

    def __str__(self) -> str:
        return say("error-server-unknown")


class OwnersOnly(JobError):
    """Global settings are reserved for the bot's owners."""

    def __str__(self) -> str:
        return say("error-owners-only")


class NotFilterable(JobError):
    """The filter already exists, or the limit of filters is reached."""

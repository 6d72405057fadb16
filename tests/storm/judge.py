"""What must hold after every interaction, and at the end."""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import discord
import pytest
import simcord
from discord import app_commands
from simcord.backend.models import Message

from bot.core.errors import JobError
from bot.core.jobs.job_store import AlreadyRecorded
from bot.db.database import FILE_NAME
from bot.ui import errors
from generation.errors import InvalidRequest
from tests.storm.wire import AUTOCOMPLETE, Sent, Wire

CONTENT_LENGTH = 2000
CHOICES, CHOICE_LENGTH = 25, 100
TOKEN = "simcord_interaction_"  # every token of the simulation begins so
JOBS = "SELECT id, status, num_images, message_id, channel_id, kind, error FROM jobs"


@dataclass(slots=True)
class Tally:
    """What became of the interactions; ``unhandled`` says what went wrong, one line each."""

    interactions: int = 0
    valid: int = 0
    delivered: int = 0
    refused: int = 0
    why: dict[str, int] = field(default_factory=dict)
    unhandled: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A job that was delivered."""

    job_id: int
    kind: str
    message: Message


class _Noted(logging.Handler):
    """Keeps what must not be in a log."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        unsaid = record.name == errors.__name__ and record.levelno == logging.WARNING
        if record.levelno >= logging.ERROR or record.exc_info or unsaid:
            self.lines.append(logging.Formatter("%(name)s: %(message)s").format(record))


class Judge:
    """Looks at what the bot did, and counts."""

    def __init__(self, env: simcord.Env, wire: Wire, folder: Path) -> None:
        self.tally = Tally()
        self._env, self._wire, self._folder = env, wire, folder
        self._noted = _Noted()
        self._raised = 0
        self._refused: dict[int, BaseException] = {}

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hear every refusal, and whatever is logged."""
        answer = errors.answer

        async def heard(
            interaction: discord.Interaction[Any], error: BaseException, **more: Any
        ) -> None:
            self._refused[interaction.id] = getattr(error, "original", error)
            await answer(interaction, error, **more)

        logging.getLogger().addHandler(self._noted)
        try:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(errors, "answer", heard)
                yield
        finally:
            logging.getLogger().removeHandler(self._noted)

    def refused(self, sent: Sent) -> bool:
        """Tell whether somebody got a line instead of what they asked for."""
        return sent.record.id in self._refused

    def look_at(self, sent: Sent) -> None:
        """Check what the bot did with an interaction."""
        self.tally.interactions += 1
        wrong = [*self._broken(), *self._unanswered(sent)]
        if self.refused(sent):
            error = self._refused[sent.record.id]
            self.tally.refused += 1
            name = type(error).__name__
            self.tally.why[name] = self.tally.why.get(name, 0) + 1
            wrong += self._line(sent, error)
        wrong += self._pings()
        # A storm is long: what was looked at need not be kept.
        self._env.backend.transcript.clear()
        self._env.backend.http_requests.clear()
        self.tally.unhandled += [f"{line} <- {_described(sent)}" for line in wrong]

    def look_around(self) -> None:
        """Check what happened since, after time went by."""
        self.tally.unhandled += [*self._broken(), *self._pings()]

    def delivered(self, sent: Sent) -> list[Drawn]:
        """Count an interaction that should have brought pictures; return the jobs that did."""
        self.tally.valid += 1
        found, wrong = [], []
        for job_id, status, count, message_id, channel_id, kind, error in self._rows(
            f"{JOBS} WHERE interaction_id = ?", sent.record.id
        ):
            message = self._wire.message(channel_id, message_id)
            shown = 0 if message is None else len(message.attachments)
            if status == "done" and message is not None and shown == count:
                found.append(Drawn(job_id, kind, message))
            else:
                wrong.append(f"job {job_id} is {status} with {shown} of {count} ({error})")
        if not found:
            wrong.append(f"no job ({self._refused.get(sent.record.id)!r})")
        if wrong:
            line = f"not delivered: {', '.join(wrong)} <- {_described(sent)}"
            self.tally.unhandled.append(line)
            return []
        self.tally.delivered += 1
        return found

    def look_at_the_store(self) -> None:
        """Check that nothing is left over and nothing is missing."""
        wrong = [
            f"job {row[0]} is {row[1]} at the end"
            for row in self._rows(f"{JOBS} WHERE status NOT IN ('done', 'failed', 'cancelled')")
        ]
        wrong += [f"a foreign key: {row}" for row in self._rows("PRAGMA foreign_key_check")]
        wrong += [
            f"the file: {row}" for row in self._rows("PRAGMA integrity_check") if row != ("ok",)
        ]
        kept = self._rows(
            "SELECT pictures.sha256, jobs.id FROM pictures JOIN jobs ON jobs.id = pictures.job_id"
            " WHERE jobs.deleted_at IS NULL AND jobs.pruned_at IS NULL"
            " AND pictures.verdict != 'refused'"
        )
        files = {path.name.split(".")[0] for path in self._folder.rglob("*.png")}
        wrong += [f"job {job_id} has no file {sha}" for sha, job_id in kept if sha not in files]
        with closing(sqlite3.connect(self._folder / FILE_NAME)) as connection:
            wrong += [f"a token: {line}" for line in connection.iterdump() if TOKEN in line]
        self.tally.unhandled += wrong

    def _rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self._folder / FILE_NAME)) as connection:
            return connection.execute(statement, values).fetchall()

    def _broken(self) -> list[str]:
        """Return what was logged as an error, and what was raised that has no sentence."""
        wrong, self._noted.lines = self._noted.lines, []
        # Asking for all of them says that they were looked at.
        raised = self._env.errors[self._raised :]
        self._raised += len(raised)
        return wrong + [f"raised {error!r}" for error in raised if not _foreseen(error)]

    def _unanswered(self, sent: Sent) -> Iterator[str]:
        record = sent.record
        start = f"/interactions/{record.id}/"
        answers = sum(one.path.startswith(start) for one in self._env.backend.http_requests)
        if not record.responded or answers != 1:
            yield f"answered {answers} times"
        elif record.loading:
            yield "left thinking"
        elif record.type == AUTOCOMPLETE:
            yield from _choices(record.autocomplete_choices)
        elif record.message_id is not None and not self.refused(sent):
            message = self._wire.message(record.channel_id, record.message_id)
            says = message and (message.content or message.embeds or message.attachments)
            if message is not None and not says:
                yield "answered with nothing"

    def _line(self, sent: Sent, error: BaseException) -> Iterator[str]:
        """Say what is wrong with the private line of a refusal: the last thing that was said."""
        record = sent.record
        answers = [*record.followup_ids]
        if record.message_id not in (None, record.source_message_id):
            answers.insert(0, record.message_id)
        said = [self._wire.message(record.channel_id, one) for one in answers]
        line = said[-1] if said else None
        if line is None:
            yield f"no line for {error!r}"
        elif not line.is_ephemeral:
            yield f"everybody reads {line.content!r}"
        elif not 1 <= len(line.content) <= CONTENT_LENGTH:
            yield f"a line of {len(line.content)} characters"
        elif isinstance(error, InvalidRequest) and f"`{error.field}`" not in line.content:
            yield f"{error.field} is not named by {line.content!r}"
        elif not _foreseen(error):
            yield f"no sentence for {error!r}"

    def _pings(self) -> Iterator[str]:
        """Say which messages of the bot may call anybody; each is looked at while it is there."""
        us = self._env.backend.bot_user.id
        for posted in self._env.backend.messages.values():
            for message in posted.values():
                may = message.allowed_mentions
                calls = may.everyone or may.users != frozenset() or may.roles != frozenset()
                if message.author_id == us and message.content and calls:
                    yield f"may ping: {message.content!r}"


def _foreseen(error: BaseException) -> bool:
    """Tell whether a person is told what the error is about."""
    if isinstance(error, app_commands.CommandInvokeError):
        error = error.original
    foreseen = (*errors.SENTENCES, JobError, AlreadyRecorded)
    return isinstance(error, foreseen)


def _choices(choices: list[dict[str, Any]] | None) -> Iterator[str]:
    if choices is None or len(choices) > CHOICES:
        yield f"offered {choices}"
        return
    for choice in choices:
        if not 1 <= len(choice["name"]) <= CHOICE_LENGTH:
            yield f"offered {choice}"


def _described(sent: Sent) -> str:
    return (
        f"{sent.actor.name} in {sent.place.channel.name or 'direct messages'}: {sent.data!r:.700}"
    )

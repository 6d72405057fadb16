import logging
import re
from types import SimpleNamespace

import discord
import pytest
from discord import app_commands

from bot.core.discord_limits import CONTENT_LENGTH
from bot.core.errors import JobError, NotAllowedHere, NotYours
from bot.core.jobs.watch import Watch
from bot.db.errors import StoreBusy, StoreTooNew
from bot.texts import say
from bot.ui import errors
from generation.errors import CatalogInvalid, GenerationError, InvalidRequest
from tests.texts import says


def family(kind: type[BaseException]) -> list[type[BaseException]]:
    return [kind, *(deep for child in kind.__subclasses__() for deep in family(child))]


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            InvalidRequest("steps", "1 to 100"),
            say("error-invalid", field="steps", bound="1 to 100"),
        ),
        (NotYours("Only its author."), "Only its author."),
        (
            NotAllowedHere((say("permission.attach"), say("permission.view-channel"))),
            "I need Attach Files and View Channel",
        ),
        (StoreBusy("busy"), "please try again"),
        (StoreTooNew("/data/darkroom.sqlite3"), "tell the server's owner"),
        (
            app_commands.MissingPermissions(["moderate_members"]),
            say("error-permissions", needed=say("permission.moderate-members")),
        ),
    ],
)
def test_the_most_specific_sentence_wins(error: BaseException, line: str):
    assert line in errors.explain(error)


def test_paths_of_the_store_stay_private():
    assert "/data" not in errors.explain(StoreTooNew("/data/darkroom.sqlite3"))


def test_every_error_of_ours_has_a_sentence():
    for root in (GenerationError, JobError):
        for kind in family(root)[1:]:
            if kind is not CatalogInvalid:  # met at the start only, by the owner
                assert any(base in errors.SENTENCES for base in kind.__mro__), kind


class Mute(JobError):
    """An error whose sentence breaks."""

    def __str__(self) -> str:
        raise ZeroDivisionError


def test_an_error_whose_sentence_breaks_has_one():
    assert says(errors.explain(Mute()), "error-unforeseen")


class Answered:
    """The part of an interaction that an answer needs, which keeps what was said."""

    type = discord.InteractionType.application_command

    def __init__(self) -> None:
        self.said: list[str] = []
        self.client = SimpleNamespace(app=SimpleNamespace(watch=Watch()))
        self.response = self

    def is_done(self) -> bool:
        return False

    async def send_message(self, line: str, *, ephemeral: bool) -> None:
        assert ephemeral
        self.said.append(line)


@pytest.mark.parametrize("note", ["", "\n>>> " + 1100 * "n"])
async def test_however_much_is_wrong_it_fits_a_message(note: str):
    interaction = Answered()
    await errors.answer(interaction, JobError(9000 * "x"), note=note)  # type: ignore[arg-type]
    (line,) = interaction.said
    assert len(line) == CONTENT_LENGTH
    assert line.endswith(note)


def test_the_unforeseen_is_logged_under_the_reference_it_names(caplog):
    with caplog.at_level(logging.ERROR):
        line = errors.explain(ZeroDivisionError("secret details"))
    reference = re.fullmatch(r"Something broke \(ref ([0-9a-f]{4})\)\.", line)
    assert reference is not None
    assert f"ref {reference[1]}" in caplog.text
    assert "secret details" in caplog.text

import logging
import re

import pytest
from discord import app_commands

from bot import errors
from bot.services.errors import JobError, NotAllowedHere, NotYours
from bot.store.errors import StoreBusy, StoreTooNew
from generation.errors import CatalogInvalid, GenerationError, InvalidRequest


def family(kind: type[BaseException]) -> list[type[BaseException]]:
    return [kind, *(deep for child in kind.__subclasses__() for deep in family(child))]


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (InvalidRequest("steps", "1 to 100"), "`steps` must be 1 to 100."),
        (NotYours("Only its author."), "Only its author."),
        (NotAllowedHere(("Attach Files", "View Channel")), "I need Attach Files and View Channel"),
        (StoreBusy("busy"), "please try again"),
        (StoreTooNew("/data/darkroom.sqlite3"), "tell the server's owner"),
        (app_commands.MissingPermissions(["moderate_members"]), "You need Moderate Members."),
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


def test_the_unforeseen_is_logged_under_the_reference_it_names(caplog):
    with caplog.at_level(logging.ERROR):
        line = errors.explain(ZeroDivisionError("secret details"))
    reference = re.fullmatch(r"Something broke \(ref ([0-9a-f]{4})\)\.", line)
    assert reference is not None
    assert f"ref {reference[1]}" in caplog.text
    assert "secret details" in caplog.text

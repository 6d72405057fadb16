"""That people read nothing that stands in Python: every sentence comes from the catalog."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import bot
from bot.core import errors

ROOM = Path(bot.__file__).parent
SPOKEN = ("features", "ui", "core", "client.py")

WORD = re.compile(r"[^\W\d_]{2,}")
SENTENCE = re.compile(r"[^\W\d_]{2,}\S*\s|\s\S*[^\W\d_]{2,}")

# Calls, and arguments by their names, that put a text before a person.
SENDS = {"send", "send_message", "edit_message", "edit_original_response", "send_modal", "describe"}
SHOWS = {"Embed", "Choice", "ContextMenu", "add_field", "set_footer", "set_author", "button"}
TEXTS = {"content", "label", "placeholder", "description", "group_description", "title", "text"}
REFUSES = {
    name
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.JobError)
} | {"InvalidRequest"}

# Calls whose texts are keys, patterns, or for the log and for a job's row.
LOGS = {"debug", "info", "warning", "error", "exception"}
UNDELIVERED = {"DeliveryFailed", "Unreachable", "MessageGone", "Redirected"}
ELSEWHERE = {"say", "compile", "ValueError", "TypeError"} | LOGS | UNDELIVERED
# A table of letters, and a program that draws the words that it is given.
WORDLESS = {"confusables.py", "drawing.py"}
ALLOWED = {
    # The audit trail, which is kept as it was written.
    "core/admission/configuration.py": {"allowed channels", " LoRA", " unset"},
    "features/quotas/granting.py": {
        "the server's",
        " pictures a day",
        " more on ",
        "counted from now on",
    },
    "features/history/service.py": {" jobs", "usage of ", " days", ": True"},
    "features/moderation/service.py": {"for good", "until ", " UTC"},
    # Why a job ended, and why moderators should look at it, as its row keeps it.
    "core/pictures/output_check.py": {"picture ", " refused ("},
    "core/jobs/answers.py": {
        "another process of this bot answered",
        "never acknowledged",
        "not posted: ",
    },
    "core/jobs/job_service.py": {"its ", " is gone"},
    "core/jobs/runner.py": {
        " does not stay",
        "it ended with fewer pictures than were asked for",
        "not posted: ",
        "the file of picture ",
    },
    # What goes wrong with Discord, for the log and a job's row.
    "ui/trouble.py": {"it does not answer in time", "its answer makes no sense"},
    # Why a model's process has not answered, for the log.
    "core/pictures/model_process.py": {"it is closed"},
    # What people type, whatever their language.
    "core/durations.py": {"for good"},
    "ui/pages/rule_cards.py": {"/config "},
    # Tasks' names.
    "core/jobs/fair_queue.py": {"job "},
    "core/jobs/job_queue.py": {"start tags"},
}


def is_store(file: Path) -> bool:
    """Whether a file speaks to the database, whose language is not people's."""
    return "sqlalchemy" in file.read_text("utf-8") or "db" in file.relative_to(ROOM).parts


def test_every_sentence_comes_from_the_catalog():
    found: dict[str, set[str]] = {}
    for file in (file for path in (*SPOKEN, "db") for file in _files(ROOM / path)):
        look = refused if is_store(file) else written
        for _, text in look(file.read_text("utf-8")):
            found.setdefault(str(file.relative_to(ROOM)), set()).add(text)
    assert found == ALLOWED


@pytest.mark.parametrize(
    "code",
    [
        'raise NothingToDo("Gone.")',
        'raise InvalidRequest("steps", "fewer")',
        'send(f"{count} jobs")',
        'await interaction.followup.send("Done")',
        'Embed(title="Queue")',
        'text = "Nothing of " + name',
        '@button(label="Erase")\ndef erase(): ...',
        'def answer():\n    return "That job has ended."',
        'ContextMenu(name="Details")',
        'self.erase.label = "Erase"',
        'send("One" if count == 1 else f"{count}")',
        '@describe(job="Which")\ndef show(job): ...',
    ],
)
def test_what_stands_in_python_is_found(code: str):
    assert list(written(code))


def test_a_refusal_of_the_store_is_found():
    assert list(refused('select("id")\nraise InvalidRequest(field, "true or false")'))


@pytest.mark.parametrize(
    "code",
    [
        '"""What this does."""',
        'def erase():\n    """Erase it."""',
        'raise NothingToDo(say("error-gone"))',
        'send(say("done", name="a b"), ephemeral=True)',
        'send(f"{line}\\n-# {note}")',
        'log.info("job %d: done", job.id)',
        'field = "negative_prompt"',
        'send(names["count"] if name == "count" else name)',
        'def page() -> "Page | None": ...',
        'Choice(name=say("yes"), value="yes")',
    ],
)
def test_what_nobody_reads_is_left_alone(code: str):
    assert not list(written(code))


def written(code: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of what a program would say in its own words."""
    yield from _look(ast.parse(code), shown=False)


def refused(code: str) -> Iterator[tuple[int, str]]:
    """Yield those of its own words that a program puts into a refusal."""
    for call in ast.walk(ast.parse(code)):
        if isinstance(call, ast.Call) and _name(call) in REFUSES:
            yield from _look_at_call(call)


def _look(node: ast.AST, *, shown: bool) -> Iterator[tuple[int, str]]:
    """Look below a node; what is ``shown`` may not hold even one word."""
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str) and (WORD if shown else SENTENCE).search(node.value):
            yield node.lineno, node.value
        return
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return  # a docstring
    if isinstance(node, ast.Call):
        yield from _look_at_call(node)
        return
    for name, value in ast.iter_fields(node):
        below = shown and not isinstance(node, ast.Subscript | ast.Compare)
        if isinstance(node, ast.Assign) and name == "value":
            below = any(
                isinstance(one, ast.Attribute) and one.attr in TEXTS for one in node.targets
            )
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and name not in ("annotation", "returns"):
                yield from _look(child, shown=below)


def _look_at_call(call: ast.Call) -> Iterator[tuple[int, str]]:
    name = _name(call)
    yield from _look(call.func, shown=False)
    if name in ELSEWHERE:
        return
    # The first of an InvalidRequest is the name of a field.
    given = call.args[1:] if name == "InvalidRequest" else call.args
    for argument in given:
        yield from _look(argument, shown=name in SENDS | REFUSES)
    for keyword in call.keywords:
        shown = keyword.arg in TEXTS or name == "describe"
        shown |= name in SHOWS and keyword.arg in ("name", "value") and name != "Choice"
        shown |= name == "Choice" and keyword.arg == "name"
        yield from _look(keyword.value, shown=shown)


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _files(path: Path) -> list[Path]:
    found = path.rglob("*.py") if path.is_dir() else [path]
    return [file for file in found if file.name not in WORDLESS]

"""Pins each hub repository to the commit downloaded first. Imports no torch.

Anybody with write access can move a repository's branch to anything, so the commit that was
downloaded first is recorded in a file beside the database, and requested from then on. To get a
newer one, remove its line from the file.
"""

import json
import re
from pathlib import Path

from generation.phrases import Phrase
from generation.shared_file import only_writer, replace_text

COMMIT = re.compile(r"[0-9a-f]{40}")
MAIN = "main"  # the default branch


class RevisionsDamaged(Exception):
    """The file cannot be read, so the pinned commits are unknown; its text is one line."""


def read_revisions(file: Path) -> dict[str, str]:
    """Return the commits by ``owner/name@branch``; raises RevisionsDamaged."""
    try:
        table = json.loads(file.read_text("utf-8"))
        if not all(COMMIT.fullmatch(commit) for commit in table.values()):
            raise ValueError("it holds what is no commit")  # noqa: TRY301
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        said = Phrase("checkpoint-revisions", file=str(file), why=str(error))
        raise RevisionsDamaged(said) from error
    return dict(table)


def pinned(file: Path | None, repository: str, revision: str | None) -> str | None:
    """Return the pinned commit, or ``revision`` if there is none; see `read_revisions`."""
    taken = {} if file is None else read_revisions(file)
    return taken.get(_key(repository, revision), revision)


def pin(file: Path | None, repository: str, revision: str | None, commit: str) -> None:
    """Record the commit that was downloaded, if it is the first one."""
    if file is None or not COMMIT.fullmatch(commit):
        return
    with only_writer(file):
        taken = read_revisions(file)
        if taken.setdefault(_key(repository, revision), commit) == commit:
            replace_text(file, json.dumps(taken, indent=1, sort_keys=True) + "\n")


def _key(repository: str, revision: str | None) -> str:
    return f"{repository}@{revision or MAIN}"

"""Which state of a hub's repository was taken first: it stays the one. Imports no torch.

A repository's branch can be moved to anything by whoever may write to it, so the commit that was
downloaded first is kept in a file beside the database, and asked for from then on. Whoever wants a
newer one takes its line out of the file.
"""

import json
import re
from pathlib import Path

from generation.phrases import Phrase

COMMIT = re.compile(r"[0-9a-f]{40}")
MAIN = "main"  # the branch that is meant where none is named


class RevisionsDamaged(Exception):
    """The file cannot be read, so nobody knows what was taken; its text is one line."""


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
    """Return the commit to ask for, or ``revision`` where none was taken; see `read_revisions`."""
    taken = {} if file is None else read_revisions(file)
    return taken.get(_key(repository, revision), revision)


def pin(file: Path | None, repository: str, revision: str | None, commit: str) -> None:
    """Keep the commit that was taken, if it is the first one."""
    if file is None or not COMMIT.fullmatch(commit):
        return
    taken = read_revisions(file)
    if taken.setdefault(_key(repository, revision), commit) == commit:
        part = file.with_suffix(".part")
        part.write_text(json.dumps(taken, indent=1, sort_keys=True) + "\n", "utf-8")
        part.replace(file)


def _key(repository: str, revision: str | None) -> str:
    return f"{repository}@{revision or MAIN}"

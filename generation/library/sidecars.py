"""What lies beside a model's file: settings of its owner, a title, and a picture.

``NAME.toml`` is ours::

    title = "From a friend"
    num_inference_steps = 30
    age_restricted = true
    roles = [123456789012345678]      # who may draw with it

``NAME.civitai.info``, ``NAME.cm-info.json`` and ``NAME.json`` are other programs' and give a title
where they say the model's name as Civitai does. Everything that is read here is bounded.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from generation.catalog import parse_toml
from generation.json_text import loads
from generation.library.layout import PICTURES, SETTINGS, TITLES, Candidate

MOST_BYTES = 2**20  # of settings; Civitai's own are up to a few hundred kilobytes
MOST_PICTURE_BYTES = 10 * 2**20


class SidecarInvalid(Exception):
    """The owner's own file beside a model cannot be used; its text is one line."""


@dataclass(frozen=True, slots=True)
class Sidecar:
    """What lies beside a file: the owner's ``settings`` by key, a title, and a picture."""

    settings: dict[str, Any] = field(default_factory=dict)
    title: str | None = None
    picture: Path | None = None


def read_sidecar(candidate: Candidate) -> Sidecar:
    """Return what lies beside a model; raises SidecarInvalid for the owner's own file.

    Other programs' files that cannot be read are passed over.
    """
    folder, beside = candidate.path.parent, candidate.beside
    own = beside.get(SETTINGS)
    settings = _settings(folder / own) if own else {}
    title = settings.pop("title", None)
    if title is None:
        others = (folder / beside[end] for end in TITLES if end in beside)
        title = next(filter(None, map(_title, others)), None)
    elif not isinstance(title, str) or not title.strip():
        raise SidecarInvalid(f"{own}: title must be text, not {title!r:.50}")
    pictures = (folder / beside[end] for end in PICTURES if end in beside)
    return Sidecar(settings, title, next(filter(_is_picture, pictures), None))


def state_of(candidate: Candidate) -> tuple[tuple[str, int, int], ...]:
    """Return what changes if anything beside a model does: names, sizes and times."""
    found = []
    for name in candidate.beside.values():
        try:
            stat = (candidate.path.parent / name).stat()
        except OSError:
            continue
        found.append((name, stat.st_size, stat.st_mtime_ns))
    return tuple(found)


def _settings(file: Path) -> dict[str, Any]:
    try:
        return parse_toml(_read(file))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise SidecarInvalid(f"{file.name}: {error}") from error


def _title(file: Path) -> str | None:
    """Return the title in another program's file, if it has one for sure."""
    try:
        table = loads(_read(file).decode("utf-8-sig"))
    except (OSError, ValueError):
        return None
    if not isinstance(table, dict):
        return None
    model = table.get("model")
    if isinstance(model, dict):  # Civitai's answer about a version
        names = (model.get("name"), table.get("name"))
    else:  # StabilityMatrix
        names = (table.get("ModelName"), table.get("VersionName"))
    if not isinstance(names[0], str) or not names[0].strip():
        return None
    return " ".join(name.strip() for name in names if isinstance(name, str) and name.strip())


def _is_picture(file: Path) -> bool:
    try:
        return file.is_file() and file.stat().st_size <= MOST_PICTURE_BYTES
    except OSError:
        return False


def _read(file: Path) -> bytes:
    if not file.is_file() and file.exists():
        raise FileNotFoundError(file)  # neither a folder nor a pipe is a file of settings
    with file.open("rb") as opened:
        data = opened.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise ValueError(f"more than {MOST_BYTES // 2**20} MiB")
    return data

"""What lies beside a model's file: settings of its owner, a title, and a picture.

``NAME.toml`` is ours::

    title = "From a friend"
    num_inference_steps = 30
    age_restricted = true
    roles = [123456789012345678]      # who may draw with it

``NAME.civitai.info``, ``NAME.cm-info.json`` and ``NAME.json`` are other programs' and give a title
where they say the model's name as Civitai does. Of a LoRA they also give trigger words, the weight
that its owner prefers, whether it is for adults, and its hash. Everything that is read here is
bounded.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from generation.catalog import parse_toml
from generation.catalog.adapters import MOST_TRIGGERS, TRIGGER_LENGTH, hash_in
from generation.json_text import loads
from generation.library.layout import PICTURES, SETTINGS, TITLES, Candidate
from generation.loading.safetensors_file import shown
from generation.prompts.adapters import ADAPTER_WEIGHT

MOST_BYTES = 2**20  # of settings; Civitai's own are up to a few hundred kilobytes
MOST_PICTURE_BYTES = 10 * 2**20
MOST_WEIGHT = ADAPTER_WEIGHT[1]


class SidecarInvalid(Exception):
    """The owner's own file beside a model cannot be used; its text is one line."""


@dataclass(frozen=True, slots=True)
class Told:
    """What another program's file says of a model; None and nothing where it does not."""

    title: str | None = None
    triggers: tuple[str, ...] = ()
    weight: float | None = None
    for_adults: bool = False
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Sidecar:
    """What lies beside a file: the owner's ``settings`` by key, a title, and a picture.

    ``told`` is what other programs' files say, the first that says each thing.
    """

    settings: dict[str, Any] = field(default_factory=dict)
    title: str | None = None
    picture: Path | None = None
    told: Told = Told()


def read_sidecar(candidate: Candidate) -> Sidecar:
    """Return what lies beside a model; raises SidecarInvalid for the owner's own file.

    Other programs' files that cannot be read are passed over.
    """
    folder, beside = candidate.path.parent, candidate.beside
    own = beside.get(SETTINGS)
    settings = _settings(folder / own) if own else {}
    title = settings.pop("title", None)
    told = _merged([_told(folder / beside[end]) for end in TITLES if end in beside])
    if title is None:
        title = told.title
    elif not isinstance(title, str) or not title.strip():
        raise SidecarInvalid(f"{own}: title must be text, not {title!r:.50}")
    pictures = (folder / beside[end] for end in PICTURES if end in beside)
    return Sidecar(settings, title, next(filter(_is_picture, pictures), None), told)


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


def _merged(every: list[Told]) -> Told:
    return Told(
        next((one.title for one in every if one.title), None),
        next((one.triggers for one in every if one.triggers), ()),
        next((one.weight for one in every if one.weight is not None), None),
        any(one.for_adults for one in every),
        next((one.sha256 for one in every if one.sha256), None),
    )


def _told(file: Path) -> Told:
    """Return what another program's file says, as far as that is sure."""
    try:
        table = loads(_read(file).decode("utf-8-sig"))
    except (OSError, ValueError):
        return Told()
    if not isinstance(table, dict):
        return Told()
    model = table.get("model")
    if isinstance(model, dict):  # Civitai's answer about a version
        return Told(
            _title(model.get("name"), table.get("name")),
            _words(table.get("trainedWords")),
            for_adults=model.get("nsfw") is True,
            sha256=_hash(table.get("files")),
        )
    if "ModelName" in table:  # StabilityMatrix
        hashes = table.get("Hashes")
        return Told(
            _title(table["ModelName"], table.get("VersionName")),
            _words(table.get("TrainedWords")),
            for_adults=table.get("Nsfw") is True,
            sha256=_sha256(hashes.get("SHA256") if isinstance(hashes, dict) else None),
        )
    # AUTOMATIC1111's web UI, whose 0 means that nothing was chosen.
    weight = table.get("preferred weight")
    if isinstance(weight, bool | str | None | list | dict) or not 0 < abs(weight) <= MOST_WEIGHT:
        weight = None
    return Told(triggers=_words([table.get("activation text")]), weight=weight)


def _title(*names: object) -> str | None:
    """Return a model's name with that of its version, if it has one for sure."""
    if not isinstance(names[0], str) or not names[0].strip():
        return None
    return " ".join(name.strip() for name in names if isinstance(name, str) and name.strip())


def _words(written: object) -> tuple[str, ...]:
    """Return trigger words, each on one line and at a bounded length."""
    if not isinstance(written, list):
        return ()
    lines = (" ".join(one[:1000].split()).strip(" ,") for one in written if isinstance(one, str))
    return tuple(shown(line)[:TRIGGER_LENGTH] for line in lines if line)[:MOST_TRIGGERS]


def _hash(files: object) -> str | None:
    """Return the SHA-256 of a version's only file; of several nobody knows which this is."""
    if not isinstance(files, list) or len(files) != 1 or not isinstance(files[0], dict):
        return None
    hashes = files[0].get("hashes")
    return _sha256(hashes.get("SHA256") if isinstance(hashes, dict) else None)


def _sha256(written: object) -> str | None:
    return hash_in(written) if isinstance(written, str) else None


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

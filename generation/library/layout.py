"""Where files lie in Darkroom's, A1111's (Forge's) and ComfyUI's folders, or without any layout.

What a file is, its header says; its place only says what its owner takes it for. So every folder is
searched whole, except that of a program, of which only the folders with models count.
"""

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from generation.catalog.reading import SUFFIXES
from generation.loading.detect import PICKLES, Kind

OTHERS = (".gguf", ".onnx")  # weights, but of formats that are not read
INDEX = "model_index.json"  # of a folder in diffusers' format

# What goes with a file of weights: its own name with these ends; the first that is there counts.
SETTINGS = ".toml"
TITLES = (".civitai.info", ".cm-info.json", ".json")
PICTURES = (".png", ".preview.png", ".jpg", ".jpeg", ".preview.jpg", ".preview.jpeg", ".webp",
            ".preview.webp")  # fmt: skip
BESIDE = (SETTINGS, *TITLES, *PICTURES)

DEEPEST = 12  # folders inside each other
MOST = 20_000  # folders and weights altogether
PASSED = frozenset(("venv", "env", "node_modules", "__pycache__", "site-packages", "outputs"))

# What each program calls the folder of one kind, in lower case. The first is Darkroom's own.
PLACES: dict[Kind, tuple[str, ...]] = {
    Kind.CHECKPOINT: ("checkpoints", "stable-diffusion", "stablediffusion", "diffusers"),
    Kind.DIFFUSION_MODEL: ("diffusion_models", "unet"),
    Kind.VAE: ("vae",),
    Kind.TEXT_ENCODER: ("text_encoders", "text_encoder", "clip"),
    Kind.LORA: ("loras", "lora", "lycoris"),
    Kind.EMBEDDING: ("embeddings",),
    Kind.CONTROL: ("controlnet", "control_net", "t2i_adapter"),
    Kind.IP_ADAPTER: ("ipadapter", "ip_adapter"),
    Kind.IMAGE_ENCODER: ("clip_vision", "image_encoder"),
    Kind.CAPTIONER: ("captioners", "captioner"),
    Kind.SEGMENTER: ("segmenters", "segmenter", "clipseg"),
    Kind.UPSCALER: ("upscaler", "upscalers", "upscale_models", "esrgan", "realesrgan"),
}
_KIND_OF = {name: kind for kind, names in PLACES.items() for name in names}
PROGRAM = ("models", "embeddings")  # what counts in the folder of a program


@dataclass(frozen=True, slots=True)
class Candidate:
    """Weights that were found: a file, or a folder in diffusers' format.

    ``path`` is its own name, never what a link leads to. ``inside`` are the folders between the
    owner's folder and it. ``size`` and ``changed`` (in ns) are those of a folder's newest file and
    of all of them. ``place`` is the kind that the folder it lies in is for, if for one. ``beside``
    are the names of files that go with it, by their ends in lower case.
    """

    path: Path
    inside: tuple[str, ...]
    size: int
    changed: int
    place: Kind | None = None
    is_folder: bool = False
    beside: Mapping[str, str] = field(default_factory=dict)

    @property
    def stem(self) -> str:
        """Its name without the suffix; of a hub's snapshot, the repository's."""
        if not self.is_folder:
            return self.path.stem
        if self.path.parent.name == "snapshots":
            return self.path.parent.parent.name.rpartition("--")[2]
        return self.path.name


@dataclass(frozen=True, slots=True)
class Unread:
    """A place that cannot be looked into, and why, in English."""

    path: Path
    why: str


def is_weights(name: str) -> bool:
    """Whether a file of this name has weights, readable ones or not."""
    return name.lower().endswith((*SUFFIXES, *PICKLES, *OTHERS))


def walk(folders: Iterable[Path]) -> Iterator[Candidate | Unread]:
    """Yield everything with weights, each once, however many links lead to it.

    Folders that do not exist have nothing in them.
    """
    walking = _Walk()
    for folder in folders:
        if folder.exists():
            yield from walking.root(folder)


class _Walk:
    """One walk; it remembers what it has seen, so that links lead to nothing twice."""

    def __init__(self) -> None:
        self._seen: set[tuple[int, int]] = set()
        self._left = MOST

    def root(self, folder: Path) -> Iterator[Candidate | Unread]:
        """Yield what lies in one of the owner's folders."""
        if (folder / "models").is_dir():  # where a program is installed, with all that is its own
            for name in filter(lambda name: (folder / name).is_dir(), PROGRAM):
                yield from self._folder(folder / name, (), _KIND_OF.get(name))
        else:
            yield from self._folder(folder, (), _KIND_OF.get(folder.name.lower()))

    def _folder(
        self, folder: Path, inside: tuple[str, ...], place: Kind | None
    ) -> Iterator[Candidate | Unread]:
        if len(inside) > DEEPEST or not self._is_new(folder):
            return
        if self._left <= 0:
            yield Unread(folder, f"more than {MOST} files and folders; the others are left out")
            return
        try:
            with os.scandir(folder) as entries:
                found = sorted(entries, key=lambda entry: (entry.is_symlink(), entry.name))
        except OSError as error:
            yield Unread(folder, error.strerror or str(error))
            return
        beside = _beside(entry.name for entry in found)
        deeper = []
        for entry in found:
            if _is_folder(entry):
                deeper.append(entry)
            elif is_weights(entry.name) and not entry.name.startswith("."):
                stem = Path(entry.name).stem
                yield from self._file(Path(entry.path), inside, place, beside.get(stem, {}))
        for entry in deeper:
            name = entry.name.lower()
            path, kind = Path(entry.path), _KIND_OF.get(name, place)
            if name.startswith(".") or name in PASSED:
                continue
            if (path / INDEX).is_file():
                if self._is_new(path):
                    yield _diffusers(path, (*inside,), kind, beside.get(entry.name, {}))
            else:
                yield from self._folder(path, (*inside, entry.name), kind)

    def _file(
        self, path: Path, inside: tuple[str, ...], place: Kind | None, beside: Mapping[str, str]
    ) -> Iterator[Candidate | Unread]:
        try:
            found = path.stat()
        except OSError as error:
            link = "is a link to nothing" if path.is_symlink() else error.strerror or str(error)
            yield Unread(path, link)
            return
        if stat.S_ISREG(found.st_mode) and self._remember(found):
            size, changed = found.st_size, found.st_mtime_ns
            yield Candidate(path, inside, size, changed, place, beside=beside)

    def _is_new(self, folder: Path) -> bool:
        try:
            return self._remember(folder.stat())
        except OSError:
            return True  # why it cannot be read, reading says

    def _remember(self, found: os.stat_result) -> bool:
        key = found.st_dev, found.st_ino
        if key in self._seen:
            return False
        self._seen.add(key)
        self._left -= 1
        return True


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False  # a link that leads to itself


def _beside(names: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return the names of files that go with others: by those others' stems, then by their ends."""
    found: dict[str, dict[str, str]] = {}
    for name in names:
        lower = name.lower()
        for end in BESIDE:
            if lower.endswith(end):
                found.setdefault(name[: -len(end)], {})[end] = name
    return found


def _diffusers(
    folder: Path, inside: tuple[str, ...], place: Kind | None, beside: Mapping[str, str]
) -> Candidate:
    size = changed = 0
    for pattern in ("*", "*/*"):
        for file in folder.glob(pattern):
            try:
                found = file.stat()
            except OSError:
                continue
            if stat.S_ISREG(found.st_mode):
                size, changed = size + found.st_size, max(changed, found.st_mtime_ns)
    return Candidate(folder, inside, size, changed, place, is_folder=True, beside=beside)

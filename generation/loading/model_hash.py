"""The short hashes that identify a checkpoint and LoRAs in a picture's file. Imports no torch."""

import hashlib
from functools import lru_cache
from pathlib import Path

from generation.architectures import SD1, Architecture
from generation.errors import CheckpointUnavailable
from generation.loading.checkpoint_folder import weight_files
from generation.phrases import Phrase

DIGITS = 10  # as in AUTOMATIC1111's web UI: the start of the file's SHA-256
ADAPTER_DIGITS = 12
CHUNK = 2**20


def model_hash(name: str, source: Path, architecture: Architecture = SD1) -> str:
    """Return the first ten hex digits of the SHA-256 of a checkpoint's weights.

    For a single file, all of it: what the web UI shows and Civitai finds. For a diffusers folder,
    for which there is no convention, the denoiser's file, or its shards in order. Reads at disk
    speed (4 GB take seconds), once per size and modification time. Raises CheckpointUnavailable,
    naming ``name``, if a file cannot be read.
    """
    files = [source]
    if source.is_dir():
        denoiser = architecture.components[0].folder
        found = weight_files(name, source, architecture)
        files = [file for file in found if file.parent.name == denoiser]
    try:
        return _digest(tuple(_state(file) for file in files))[:DIGITS]
    except OSError as error:
        raise CheckpointUnavailable(
            name, Phrase("checkpoint-file", file=str(error.filename), why=str(error.strerror))
        ) from error


def adapter_hash(file: Path) -> str | None:
    """Return the first twelve hex digits of the SHA-256 of a LoRA's tensors, without its header.

    That is what the web UI writes behind a LoRA's name, and Civitai calls AutoV3. It reads the
    file once per size and modification time. None if it cannot be read.
    """
    try:
        with file.open("rb") as opened:
            begin = 8 + int.from_bytes(opened.read(8), "little")
        return _digest((_state(file),), begin)[:ADAPTER_DIGITS]
    except OSError:
        return None


def _state(file: Path) -> tuple[Path, int, int]:
    stat = file.stat()
    return file, stat.st_size, stat.st_mtime_ns


@lru_cache(maxsize=256)
def _digest(files: tuple[tuple[Path, int, int], ...], begin: int = 0) -> str:
    digest = hashlib.sha256()
    for file, _, _ in files:
        with file.open("rb") as opened:
            opened.seek(begin)
            while chunk := opened.read(CHUNK):
                digest.update(chunk)
    return digest.hexdigest()

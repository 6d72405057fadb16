"""A folder of models: how long it takes to read what they all are, at the first look and later."""

import json
import os
import struct
import tempfile
import time
from pathlib import Path

from benchmarks import Figures
from generation.library.headers import HeaderReader
from generation.library.shelf import Library

LABELS = {
    "scan_500_files_s": "500 files of SDXL's size, the first look at a folder, s",
    "look_again_ms": "the next look at it, ms",
    "file_ms": "a header among them, ms",
}
FILES = 500
TENSORS, NAME = (
    2515,
    "model.diffusion_model.input_blocks.{}.1.transformer_blocks.0.attn2.to_k.weight",
)


def run() -> Figures:
    """Measure on this disk, with the operating system's cache as warm as writing leaves it."""
    with tempfile.TemporaryDirectory() as folder:
        places = _write(Path(folder))
        library = Library([Path(folder)])
        begun = time.perf_counter()
        shelf = library.look(settled_s=0)
        first = time.perf_counter() - begun
        if len(shelf.items) != FILES or any(item.problem for item in shelf.items):
            raise AssertionError("some files were not read")
        begun = time.perf_counter()
        library.look(settled_s=0)
        again = time.perf_counter() - begun
        with HeaderReader() as reader:
            reader.read(places[0])  # starts the process
            begun = time.perf_counter()
            for place in places[:20]:
                reader.read(place)
            each = (time.perf_counter() - begun) / 20
    return {"scan_500_files_s": first, "look_again_ms": 1000 * again, "file_ms": 1000 * each}


def _write(folder: Path) -> list[Path]:
    """Write files of SDXL's number of tensors, headers over holes."""
    header = {
        NAME.format(number): {
            "dtype": "F16",
            "shape": [1280, 2048],
            "data_offsets": [number * 5_242_880, (number + 1) * 5_242_880],
        }
        for number in range(TENSORS)
    }
    text = json.dumps(header).encode()
    places = [folder / f"model {number}.safetensors" for number in range(FILES)]
    for place in places:
        with place.open("wb") as file:
            file.write(struct.pack("<Q", len(text)) + text)
            os.truncate(file.fileno(), 8 + len(text) + TENSORS * 5_242_880)
    return places

"""The training set: emoji pictures and their names, from two npm packages."""

import json
import re
import subprocess
import tarfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

PICTURES_PACKAGE = "@lobehub/fluent-emoji-3d@1.1.0"
NAMES_PACKAGE = "emoji-datasource-google@16.0.0"
CATEGORIES = ("Animals & Nature", "Food & Drink")
BACKGROUND = (255, 255, 255)


@dataclass(frozen=True, slots=True)
class Concept:
    """One emoji: its name as a person would type it, its short name, and its picture."""

    name: str
    short_name: str
    picture: Path

    def captions(self) -> Iterator[str]:
        """Yield every caption that training uses for this concept, the plain name first."""
        article = "an" if self.name[0] in "aeiou" else "a"
        yield self.name
        yield f"{article} {self.name}"
        yield f"emoji of {article} {self.name}"
        yield f"a picture of {article} {self.name}"
        if self.short_name != self.name:
            yield self.short_name


def fetch(folder: Path) -> None:
    """Unpack both packages below ``folder`` with the ordinary npm client; what is there is kept."""
    folder.mkdir(parents=True, exist_ok=True)
    for package, target in ((PICTURES_PACKAGE, "pictures"), (NAMES_PACKAGE, "names")):
        if (folder / target).exists():
            continue
        done = subprocess.run(
            ["npm", "pack", "--silent", package],
            cwd=folder,
            check=True,
            capture_output=True,
            text=True,
        )
        with tarfile.open(folder / done.stdout.split()[-1]) as archive:
            archive.extractall(folder / f"{target}.part", filter="data")
        (folder / f"{target}.part").rename(folder / target)


def load_concepts(folder: Path) -> list[Concept]:
    """Return the concepts of ``CATEGORIES`` that have a picture, in the data's order.

    Names are unique, and a short name is kept only where it means one concept: the data calls the
    dog's face "dog" and the whole dog "dog2".
    """
    entries = json.loads((folder / "names/package/emoji.json").read_text("utf-8"))
    concepts: dict[str, Concept] = {}
    for entry in sorted(entries, key=lambda entry: entry["sort_order"]):
        picture = folder / "pictures/package/assets" / f"{entry['unified'].lower()}.webp"
        if entry["category"] not in CATEGORIES or not picture.exists():
            continue
        name = _plain(entry["name"])
        concepts.setdefault(name, Concept(name, _plain(entry["short_names"][0]), picture))
    short = Counter(concept.short_name for concept in concepts.values())
    return [
        concept
        if short[concept.short_name] == 1 and concept.short_name not in concepts
        else replace(concept, short_name=concept.name)
        for concept in concepts.values()
    ]


def _plain(text: str) -> str:
    """Lower case, words only; a trailing number ("cat2") is not a word anyone types."""
    return re.sub(r"\d+$", "", re.sub(r"[^a-z0-9]+", " ", text.lower())).strip()


def load_picture(concept: Concept, width: int, height: int) -> np.ndarray:
    """Return the picture on white, uint8 [height, width, 3], as large as fits, centred."""
    with Image.open(concept.picture) as opened:
        picture = opened.convert("RGBA")
    side = min(width, height)
    picture = picture.resize((side, side), Image.Resampling.LANCZOS)
    canvas = Image.new("RGB", (width, height), BACKGROUND)
    canvas.paste(picture, ((width - side) // 2, (height - side) // 2), picture)
    return np.asarray(canvas)

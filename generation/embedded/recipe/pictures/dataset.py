"""The training set: emoji pictures in two styles and their names, from npm packages."""

import io
import json
import re
import subprocess
import tarfile
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image
from resvg_py import svg_to_bytes

PICTURES_PACKAGE = "@lobehub/fluent-emoji-3d@1.1.0"
FLAT_PACKAGE = "@lobehub/fluent-emoji-flat@1.1.0"
NAMES_PACKAGE = "emoji-datasource-google@16.0.0"
# What people type for things that the data names differently.
SAID = {
    "automobile": "car",
    "baguette bread": "baguette",
    "beach with umbrella": "beach",
    "bicycle": "bike",
    "black sun with rays": "sun",
    "blossom": "flower",
    "bouquet": "flowers",
    "cheese wedge": "cheese",
    "cityscape": "city",
    "clinking beer mugs": "cheers",
    "cocktail glass": "martini",
    "couch and lamp": "sofa",
    "deciduous tree": "tree",
    "delivery truck": "truck",
    "doughnut": "donut",
    "electric light bulb": "light bulb",
    "european castle": "castle",
    "extraterrestrial alien": "alien",
    "eyeglasses": "glasses",
    "father christmas": "santa claus",
    "hamburger": "burger",
    "heavy black heart": "red heart",
    "high voltage sign": "lightning bolt",
    "hot beverage": "tea cup",
    "house building": "home",
    "lady beetle": "ladybird",
    "mage": "wizard",
    "mantelpiece clock": "clock",
    "musical note": "music",
    "oncoming police car": "police",
    "optical disc": "compact disc",
    "person with crown": "king",
    "personal computer": "laptop",
    "pile of poo": "poop",
    "robot face": "robot",
    "sailboat": "sailing boat",
    "smiling face with open mouth": "happy face",
    "smiling face with sunglasses": "cool",
    "soft ice cream": "ice cream cone",
    "steam locomotive": "steam train",
    "sunrise over mountains": "sunset",
    "teacup without handle": "green tea",
    "top hat": "hat",
    "water wave": "sea",
    "white medium star": "yellow star",
    "wrapped present": "present",
}
NEEDLESS = (" face", " symbol", " sign")  # endings that nobody types

LEFT_OUT = ("Flags", "Symbols", "Component")  # categories; the last are skin tones and hair
NAMES = "concepts.json"  # in a checkpoint's folder: what it was trained on
BACKGROUND = (255, 255, 255)
ALIKE = 64  # px: size at which pictures are compared
SAME, SAME_TRADE = 0.0005, 0.0026
"""Mean squared differences, of values 0…1, below which two pictures are taken for one; the second
for people of one trade: a farmer and a male farmer differ by a few hairs, which the VAE loses."""
PEOPLE = {"man", "woman", "men", "women"}


@dataclass(frozen=True, slots=True)
class Concept:
    """One emoji: its name as a person would type it, synonyms, and its picture.

    ``kind`` is the data's finer category, as words: "animal mammal". ``flat`` is an SVG of the same
    thing without light and shadow.
    """

    name: str
    other_names: tuple[str, ...]
    kind: str
    picture: Path
    flat: Path | None = None


def fetch(folder: Path) -> None:
    """Unpack the packages below ``folder`` with the npm client; existing ones are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    packages = {"pictures": PICTURES_PACKAGE, "flat": FLAT_PACKAGE, "names": NAMES_PACKAGE}
    for target, package in packages.items():
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
    """Return the concepts that have a picture, except those of ``LEFT_OUT``, in the data's order.

    Names are unique, and a short name is kept only if it means one concept: the data calls the
    dog's face "dog" and the whole dog "dog2".
    """
    entries = json.loads((folder / "names/package/emoji.json").read_text("utf-8"))
    concepts: dict[str, Concept] = {}
    for entry in sorted(entries, key=lambda entry: entry["sort_order"]):
        picture = folder / "pictures/package/assets" / f"{entry['unified'].lower()}.webp"
        if entry["category"] in LEFT_OUT or not picture.exists():
            continue
        name = plain(entry["name"])
        short = {re.sub(r"\d+$", "", plain(text)).strip() for text in entry["short_names"]}
        short |= {name.removesuffix(ending) for ending in NEEDLESS} - {name}
        short |= {SAID[name]} if name in SAID else set()
        kind = plain(entry["subcategory"])
        flat = folder / "flat/package/assets" / f"{picture.stem}.svg"
        concept = Concept(name, tuple(short), kind, picture, flat if flat.exists() else None)
        concepts.setdefault(name, concept)
    meanings = Counter(short for concept in concepts.values() for short in concept.other_names)
    return merge_alike(
        [
            replace(
                concept,
                other_names=tuple(
                    short
                    for short in sorted(concept.other_names)
                    if len(short) > 2 and meanings[short] == 1 and short not in concepts
                ),
            )
            for concept in concepts.values()
        ]
    )


def merge_alike(concepts: list[Concept]) -> list[Concept]:
    """Return the concepts, those with the same picture as one: the shortest name is its name.

    The others become its other names.
    """
    seen = np.stack([_premultiplied(concept) for concept in concepts])
    lengths = np.square(seen).sum(axis=1)
    apart = (lengths[:, None] + lengths - 2 * seen @ seen.T) / seen.shape[1]
    trades = np.array([_trade(concept.name) for concept in concepts])
    same = apart < np.where(trades[:, None] == trades, SAME_TRADE, SAME)
    order = sorted(range(len(concepts)), key=lambda index: len(concepts[index].name))
    others: dict[int, list[str]] = {}
    for index in order:
        kept = next((one for one in others if same[index, one]), None)
        if kept is None:
            others[index] = list(concepts[index].other_names)
        else:
            others[kept] += [concepts[index].name, *concepts[index].other_names]
    return [replace(concepts[index], other_names=tuple(others[index])) for index in sorted(others)]


def _trade(name: str) -> str:
    return " ".join(word for word in name.split() if word not in PEOPLE) or name


def _premultiplied(concept: Concept) -> np.ndarray:
    """Return the picture's values 0…1, its colours times its opacity: float32 [n]."""
    pixels = np.asarray(load_sprite(concept, ALIKE)).astype(np.float32) / 255
    pixels[..., :3] *= pixels[..., 3:]
    return pixels.ravel()


def write_names(folder: Path, concepts: list[Concept]) -> None:
    """Write the concepts' names beside a checkpoint's weights."""
    names = [concept.name for concept in concepts]
    (folder / NAMES).write_text(json.dumps(names, indent=0) + "\n", "utf-8")


def learned(folder: Path, concepts: list[Concept]) -> list[Concept]:
    """Return those of the concepts named in a checkpoint's folder."""
    names = set(json.loads((folder / NAMES).read_text("utf-8")))
    return [concept for concept in concepts if concept.name in names]


def plain(text: str) -> str:
    """Return the text in lower case, words only."""
    return re.sub(r"[^a-z0-9]+", " ", text.lower()).strip()


def load_sprite(concept: Concept, side: int) -> Image.Image:
    """Return the picture in RGBA, ``side``² pixels."""
    with Image.open(concept.picture) as opened:
        picture = opened.convert("RGBA")
    return picture.resize((side, side), Image.Resampling.LANCZOS)


def load_flat(drawing: Path, side: int) -> Image.Image:
    """Return an SVG in RGBA, ``side``² pixels."""
    png = svg_to_bytes(svg_path=str(drawing), width=side, height=side, skip_system_fonts=True)
    return Image.open(io.BytesIO(png)).convert("RGBA")


def load_picture(concept: Concept, width: int, height: int) -> np.ndarray:
    """Return the picture centred on white, scaled to fit: uint8 [height, width, 3]."""
    side = min(width, height)
    picture = load_sprite(concept, side)
    canvas = Image.new("RGB", (width, height), BACKGROUND)
    canvas.paste(picture, ((width - side) // 2, (height - side) // 2), picture)
    return np.asarray(canvas)

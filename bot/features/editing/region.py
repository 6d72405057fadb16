"""A region of a picture, picked cell by cell: what is picked, and the ids of its buttons.

The name of the panel's file says what is picked, so that a panel works after a restart, too. The
ids do not, and so stay the same: a press made while an edit is on its way names a button that is
still there afterwards.
"""

import io
import re
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from PIL import Image, ImageDraw

from bot.db.records import Job

COLUMNS, ROWS = 5, 4  # Discord has five rows of five buttons, and one of them is for tools
CELLS = COLUMNS * ROWS
ALL = (1 << CELLS) - 1
FEATHERS = (0, 8, 16, 32, 64)  # px
USUAL_FEATHER = FEATHERS.index(16)
SKETCH_SIDE = 512  # px, of the picture in a panel

TINT = (236, 72, 153)
TEMPLATE = re.compile(
    r"region:(?P<job>[0-9]{1,19}):(?P<index>[0-9]):(?P<mark>[0-9a-f]{1,16})"
    r":(?P<tool>[0-9]{1,2}|rows|invert|feather|clear|draw)"
)
_FILE_NAME = re.compile(
    rf"region-(?P<cells>[0-9a-f]{{1,5}})-(?P<rows>[01])-(?P<feather>[0-{len(FEATHERS) - 1}])\.jpg"
)


@dataclass(frozen=True, slots=True)
class Region:
    """The picked cells, a bit each, row by row, and how the next one is picked.

    With ``rows`` a cell stands for its whole row. ``feather`` is a place in FEATHERS.
    """

    cells: int = 0
    rows: bool = False
    feather: int = USUAL_FEATHER

    def has(self, cell: int) -> bool:
        """Tell whether a cell is picked."""
        return bool(self.cells >> cell & 1)

    def pressed(self, tool: str) -> Self:
        """Return what a button of this name makes of it."""
        match tool:
            case "rows":
                return replace(self, rows=not self.rows)
            case "invert":
                return replace(self, cells=self.cells ^ ALL)
            case "clear":
                return replace(self, cells=0)
            case "feather":
                return replace(self, feather=(self.feather + 1) % len(FEATHERS))
            case cell if cell.isdigit() and int(cell) < CELLS:
                return self._toggled(int(cell))
            case _:
                return self

    def _toggled(self, cell: int) -> Self:
        if not self.rows:
            return replace(self, cells=self.cells ^ 1 << cell)
        row = ((1 << COLUMNS) - 1) << cell // COLUMNS * COLUMNS
        return replace(self, cells=self.cells & ~row if self.has(cell) else self.cells | row)

    @property
    def file_name(self) -> str:
        """What the panel's picture is called; it says all of the region."""
        return f"region-{self.cells:x}-{self.rows:d}-{self.feather}.jpg"

    @classmethod
    def from_file_name(cls, name: str) -> Self:
        """Return the region that a panel's picture shows; an empty one for any other file."""
        if (match := _FILE_NAME.fullmatch(name)) is None:
            return cls()
        return cls(int(match["cells"], 16) & ALL, match["rows"] == "1", int(match["feather"]))

    @property
    def feather_px(self) -> int:
        """How wide the soft edge around it is, in pixels."""
        return FEATHERS[self.feather]

    def mask(self, width: int, height: int) -> bytes:
        """Return its mask for a picture of this size, a greyscale PNG."""
        mask = Image.new("L", (width, height))
        for cell in range(CELLS):
            if self.has(cell):
                mask.paste(255, _box(cell, width, height))
        file = io.BytesIO()
        mask.save(file, "PNG")
        return file.getvalue()


@dataclass(frozen=True, slots=True)
class RegionId:
    """The contents of a button's or form's custom id."""

    job_id: int
    index: int
    mark: str
    tool: str

    def __str__(self) -> str:
        return f"region:{self.job_id}:{self.index}:{self.mark}:{self.tool}"

    @classmethod
    def of(cls, job: Job, index: int, tool: str) -> Self:
        """Return the custom id of a button for a job's picture."""
        return cls(job.id, index, job.mark, tool)

    @classmethod
    def from_match(cls, match: re.Match[str]) -> Self:
        """Parse the parts; they are validated when the button is pressed."""
        return cls(int(match["job"]), int(match["index"]), match["mark"], match["tool"])


def base_of(png: bytes) -> bytes:
    """Return the picture that regions are drawn on, small. Blocks: call it in a thread."""
    with Image.open(io.BytesIO(png)) as picture:
        small = picture.convert("RGB")
    small.thumbnail((SKETCH_SIDE, SKETCH_SIDE))
    file = io.BytesIO()
    small.save(file, "JPEG", quality=90)
    return file.getvalue()


def sketch(base: bytes, region: Region) -> bytes:
    """Return a small picture with the grid over it, as a JPEG. Blocks: call it in a thread."""
    with Image.open(io.BytesIO(base)) as small:
        pixels = np.array(small.convert("RGB"))
    height, width = pixels.shape[:2]
    for cell in range(CELLS):
        if region.has(cell):
            left, top, right, bottom = _box(cell, width, height)
            inside = pixels[top:bottom, left:right]
            inside[:] = (inside.astype(np.uint16) + 2 * np.array(TINT, np.uint16)) // 3
    image = Image.fromarray(pixels)
    draw = ImageDraw.Draw(image)
    for cell in range(CELLS):
        left, top, right, bottom = _box(cell, width, height)
        draw.rectangle((left, top, right - 1, bottom - 1), outline="black")
        draw.rectangle((left + 1, top + 1, right - 2, bottom - 2), outline="white")
        place = (left + 5, top + 4)
        draw.text(place, str(cell + 1), "white", stroke_width=2, stroke_fill="black")
    file = io.BytesIO()
    image.save(file, "JPEG", quality=80)
    return file.getvalue()


def _box(cell: int, width: int, height: int) -> tuple[int, int, int, int]:
    row, column = divmod(cell, COLUMNS)
    return (
        column * width // COLUMNS,
        row * height // ROWS,
        (column + 1) * width // COLUMNS,
        (row + 1) * height // ROWS,
    )

"""A region of a picture, picked by cells and words: what is picked, and the ids of its buttons.

The name of the panel's file says what is picked, and its description which words, so that a panel
works after a restart, too. The ids do not, and so stay the same: a press made while an edit is on
its way names a button that is still there afterwards.
"""

import io
import re
from dataclasses import dataclass, replace
from typing import Self

from PIL import Image, ImageChops, ImageDraw

from bot.db.records import Job
from generation.source_image import encoded
from generation.vision.segmenters import mask_in

COLUMNS, ROWS = 5, 4  # Discord has five rows of five buttons, and one of them is for tools
CELLS = COLUMNS * ROWS
ALL = (1 << CELLS) - 1
FEATHERS = (0, 8, 16, 32, 64)  # px
USUAL_FEATHER = FEATHERS.index(16)
SKETCH_SIDE = 512  # px, of the picture in a panel

TINT = (236, 72, 153)
# A form's has the number of what opened it, too: a second one is no double click.
TEMPLATE = re.compile(
    r"region:(?P<job>[0-9]{1,19}):(?P<index>[0-9]):(?P<mark>[0-9a-f]{1,16})"
    r":(?P<tool>[0-9]{1,2}|rows|invert|feather|words|clear|draw)(?::[0-9]{1,20})?"
)
_FILE_NAME = re.compile(
    rf"region-(?P<cells>[0-9a-f]{{1,5}})-(?P<way>[0-3])-(?P<feather>[0-{len(FEATHERS) - 1}])\.jpg"
)

Levels = Image.Image  # how likely each part is what words mean, 0 to 255


@dataclass(frozen=True, slots=True)
class Region:
    """The picked cells, a bit each, row by row, and how the next one is picked.

    With ``rows`` a cell stands for its whole row. ``feather`` is a place in FEATHERS. What
    ``words`` mean is picked, too; when that is ``inverted``, what they mean is left out of it.
    """

    cells: int = 0
    rows: bool = False
    feather: int = USUAL_FEATHER
    inverted: bool = False
    words: str = ""

    def has(self, cell: int) -> bool:
        """Tell whether a cell is picked."""
        return bool(self.cells >> cell & 1)

    def pressed(self, tool: str) -> Self:
        """Return what a button of this name makes of it."""
        match tool:
            case "rows":
                return replace(self, rows=not self.rows)
            case "invert":
                inverted = bool(self.words) and not self.inverted
                return replace(self, cells=self.cells ^ ALL, inverted=inverted)
            case "clear":
                return replace(self, cells=0, words="", inverted=False)
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
        """What the panel's picture is called; it says all of the region but the words."""
        return f"region-{self.cells:x}-{self.rows + 2 * self.inverted}-{self.feather}.jpg"

    @classmethod
    def from_file_name(cls, name: str, words: str = "") -> Self:
        """Return the region that a panel's picture shows; an empty one for any other file."""
        if (match := _FILE_NAME.fullmatch(name)) is None:
            return cls()
        cells, way = int(match["cells"], 16) & ALL, int(match["way"])
        return cls(cells, bool(way & 1), int(match["feather"]), bool(words and way & 2), words)

    @property
    def feather_px(self) -> int:
        """How wide the soft edge around it is, in pixels."""
        return FEATHERS[self.feather]

    def white(self, width: int, height: int, levels: Levels | None = None) -> Image.Image:
        """Return where a picture of this size is picked, 0 or 255; words need ``levels``."""
        picked = Image.new("L", (width, height))
        for cell in range(CELLS):
            if self.has(cell):
                picked.paste(255, _box(cell, width, height))
        if not self.words or levels is None:
            return picked
        meant = mask_in(levels, width, height) or Image.new("L", (width, height))
        combined = ImageChops.subtract if self.inverted else ImageChops.lighter
        return combined(picked, meant)

    def mask(self, width: int, height: int, levels: Levels | None = None) -> bytes:
        """Return its mask for a picture of this size, a greyscale PNG, likewise."""
        return encoded(self.white(width, height, levels))


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


def sketch(base: bytes, region: Region, levels: Levels | None = None) -> bytes:
    """Return a small picture with what is picked and the grid over it, as a JPEG.

    Blocks: call it in a thread.
    """
    with Image.open(io.BytesIO(base)) as small:
        image = small.convert("RGB")
    width, height = image.size
    tinted = Image.blend(image, Image.new("RGB", image.size, TINT), 2 / 3)
    image.paste(tinted, (0, 0), region.white(width, height, levels))
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

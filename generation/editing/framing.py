"""How much is drawn around a picture, decided before it is at hand.

Imports no torch, and numpy only to lay it out.
"""

from dataclasses import dataclass
from io import BytesIO
from typing import Self

from PIL import Image

from generation.architectures import Architecture
from generation.editing.sides import Sides, multiple_of, nearest
from generation.errors import InvalidRequest, bounded
from generation.phrases import Phrase
from generation.request import SIDE
from generation.source_image import encoded, fit

ZOOM = (1.1, 4.0)
PAN = 0.5  # of the side that grows
NOTHING = Sides()


@dataclass(frozen=True, slots=True)
class Framing:
    """Room on the sides of a picture, in pixels, or one that is ``zoom`` times smaller inside."""

    sides: Sides = NOTHING
    zoom: float | None = None

    @classmethod
    def square(cls, width: int, height: int) -> Self:
        """Return the room that makes a picture square."""
        across, down = max(0, height - width), max(0, width - height)
        return cls(Sides(across // 2, down // 2, across - across // 2, down - down // 2))

    @classmethod
    def pan(cls, side: str, width: int, height: int) -> Self:
        """Return room on one side, of half the picture."""
        length = width if side in ("left", "right") else height
        return cls(Sides(**{side: round(PAN * length)}))

    def size(self, width: int, height: int, architecture: Architecture) -> tuple[int, int]:
        """Return (width, height) of the canvas for a picture of this size, as it will be laid out.

        Raises InvalidRequest, naming the field and its bound.
        """
        if self.zoom is not None:
            bounded("zoom", self.zoom, ZOOM)
            return nearest(width, architecture), nearest(height, architecture)
        for name, amount in self.sides._asdict().items():
            bounded(name, amount, (0, SIDE[1]))
        if not any(self.sides):
            raise InvalidRequest("zoom", Phrase("bound-canvas-more"))
        multiple, (left, top, right, bottom) = multiple_of(architecture), self.sides
        across, down = left + width + right, top + height + bottom
        size = (across + -across % multiple, down + -down % multiple)
        for name, side in zip(("width", "height"), size, strict=True):
            if side > SIDE[1]:
                raise InvalidRequest(
                    name, Phrase("bound-canvas", least=SIDE[0], most=SIDE[1], found=side)
                )
        return size

    def lay(
        self, png: bytes, width: int, height: int, architecture: Architecture
    ) -> tuple[bytes, bytes]:
        """Return the canvas of one of our pictures in this size, and its mask, as PNG files.

        Blocks for up to a second: call it in a thread.
        """
        from generation.editing.outpaint import extend, zoom_out

        with Image.open(BytesIO(fit(png, width, height))) as picture:
            canvas = (
                extend(picture, self.sides, architecture)
                if self.zoom is None
                else zoom_out(picture, self.zoom, architecture)
            )
        return encoded(canvas.picture), encoded(canvas.mask)

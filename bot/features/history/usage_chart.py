"""A chart of use, drawn by a process of its own: matplotlib takes long to load, and to draw."""

import asyncio
import json
import logging
from dataclasses import asdict, dataclass

from bot.core import program
from bot.core.errors import JobError
from bot.texts import say

log = logging.getLogger(__name__)

DRAWING_S = 30
PROGRAM = "bot.features.history.drawing"
PNG_BEGINS = b"\x89PNG\r\n\x1a\n"


class ChartUnavailable(JobError):
    """The chart could not be drawn; its figures can still be said in words."""

    def __str__(self) -> str:
        return say("error-chart-unavailable")


@dataclass(frozen=True, slots=True)
class Series:
    """What one colour of the bars stands for, and its height on each day."""

    name: str
    heights: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars for each day, one series on top of the other, and below them bars for each person.

    ``days`` are written as ISO 8601 does. Everything to read is in the language of whoever asked;
    a chart without days is its title alone. A name that the font lacks stands as ``nameless``
    and its person's place in the list.
    """

    title: str
    days: tuple[str, ...] = ()
    days_title: str = ""
    series: tuple[Series, ...] = ()
    people_title: str = ""
    people: tuple[tuple[str, float], ...] = ()
    nameless: str = ""

    def encode(self) -> bytes:
        """Return it as JSON, for the program that draws."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def decode(cls, encoded: bytes) -> "Chart":
        """Read what `encode` wrote."""
        values = json.loads(encoded)
        values["series"] = tuple(Series(**one) for one in values["series"])
        return cls(**values)


async def draw(chart: Chart) -> bytes:
    """Return the chart as a PNG file; raises ChartUnavailable. The loop goes on meanwhile."""
    process = await program.start(PROGRAM, stderr=asyncio.subprocess.PIPE)
    try:
        async with asyncio.timeout(DRAWING_S):
            png, complaint = await process.communicate(chart.encode())
    except TimeoutError as error:
        log.warning("drawing a chart took longer than %d s", DRAWING_S)
        raise ChartUnavailable from error
    finally:
        if process.returncode is None:
            await program.end(process)
    if process.returncode or not png.startswith(PNG_BEGINS):
        log.warning("drawing a chart failed: %s", complaint.decode(errors="replace"))
        raise ChartUnavailable
    return png

"""Usage charts, drawn in a separate process because matplotlib is slow to load and draw."""

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
    """The chart could not be drawn; the figures are still available as text."""

    def __str__(self) -> str:
        return say("error-chart-unavailable")


@dataclass(frozen=True, slots=True)
class Series:
    """One colour of the bars: its label, and its height on each day."""

    name: str
    heights: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """Stacked bars for each day, and below them bars for each person.

    ``days`` are in ISO 8601. All text is in the requester's language; a chart without days is only
    its title. A name that the font lacks is replaced by ``nameless`` and its person's rank.
    """

    title: str
    days: tuple[str, ...] = ()
    days_title: str = ""
    series: tuple[Series, ...] = ()
    people_title: str = ""
    people: tuple[tuple[str, float], ...] = ()
    nameless: str = ""

    def encode(self) -> bytes:
        """Return it as JSON, for the drawing program."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def decode(cls, encoded: bytes) -> "Chart":
        """Return what `encode` wrote."""
        values = json.loads(encoded)
        values["series"] = tuple(Series(**one) for one in values["series"])
        return cls(**values)


async def draw(chart: Chart) -> bytes:
    """Return the chart as a PNG file, without blocking the event loop; raises ChartUnavailable."""
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

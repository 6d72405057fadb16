"""Draws a chart: ``python -m bot.features.history.drawing`` reads it as JSON and writes a PNG file.

A separate program, because loading matplotlib and drawing would block the bot. Colours are Okabe
and Ito's colour-blind-safe palette (https://jfly.uni-koeln.de/color/), on the background of
Discord's dark theme.
"""

import io
import sys
import unicodedata
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont
from matplotlib.ft2font import FT2Font
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter, MaxNLocator

from bot.features.history.usage_chart import Chart

SIZE = (1000, 700)  # pixels
DPI = 100
BACKGROUND, PANEL, GRID, TEXT = "#313338", "#2b2d31", "#4e5058", "#dbdee1"
SERIES = ("#56b4e9", "#e69f00", "#cc79a7")
PERSON = "#009e73"
FONT = "DejaVu Sans"  # comes with matplotlib
MOST_TICKS = 8
GAPS_UP_TO = 60  # above this, bars have no gaps, which would flicker

STYLE: Any = {
    "font.family": FONT,
    "font.size": 11,
    "text.parse_math": False,  # a name with two $ in it is no formula
    "text.color": TEXT,
    "axes.labelcolor": TEXT,
    "axes.facecolor": PANEL,
    "axes.edgecolor": GRID,
    "xtick.color": TEXT,
    "ytick.color": TEXT,
    "figure.facecolor": BACKGROUND,
    "savefig.facecolor": BACKGROUND,
}


def draw(chart: Chart) -> bytes:
    """Return the chart as a PNG file of SIZE."""
    with mpl.rc_context(STYLE):
        layout = ConstrainedLayoutEngine(w_pad=0.15, h_pad=0.15)
        figure = Figure(figsize=(SIZE[0] / DPI, SIZE[1] / DPI), dpi=DPI, layout=layout)
        if chart.days:
            figure.suptitle(chart.title, fontsize=15)
            panels = figure.subplots(2 if chart.people else 1, 1, squeeze=False)[:, 0]
            _draw_days(panels[0], chart)
            if chart.people:
                _draw_people(panels[1], chart)
        else:
            figure.text(0.5, 0.5, chart.title, ha="center", va="center", fontsize=15)
        file = io.BytesIO()
        figure.savefig(file, format="png")
    return file.getvalue()


def _draw_days(axes: Axes, chart: Chart) -> None:
    axes.set_title(chart.days_title, loc="left", fontsize=12)
    places = range(len(chart.days))
    below = [0.0] * len(chart.days)
    crowded = len(chart.days) > GAPS_UP_TO
    for series, colour in zip(chart.series, SERIES, strict=False):
        axes.bar(
            places,
            series.heights,
            width=1.0 if crowded else 0.8,
            bottom=below,
            color=colour,
            label=series.name,
        )
        below = [low + height for low, height in zip(below, series.heights, strict=True)]
    # A single day is a bar, not a wall.
    margin = max(0.6, (6 - len(chart.days)) / 2)
    axes.set_xlim(-margin, len(chart.days) - 1 + margin)
    axes.set_ylim(0, max(*below, 1) * 1.05)
    shown = places[:: -(-len(chart.days) // MOST_TICKS)]
    axes.set_xticks(shown, _ticks([chart.days[at] for at in shown]))
    axes.tick_params(axis="x", pad=10)  # or the first label would touch the zero
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.grid(axis="y", color=GRID, linewidth=0.6)
    _tidy(axes)
    axes.figure.legend(
        *axes.get_legend_handles_labels(),
        loc="outside lower center",
        ncols=len(chart.series),
        frameon=False,
        labelcolor=TEXT,
    )


def _draw_people(axes: Axes, chart: Chart) -> None:
    axes.set_title(chart.people_title, loc="left", fontsize=12)
    places = range(len(chart.people))
    bars = axes.barh(places, [count for _, count in chart.people], height=0.7, color=PERSON)
    axes.bar_label(bars, [f" {count:,g}" for _, count in chart.people], color=TEXT)
    names = [
        _drawable(name) or f"{chart.nameless} {n + 1}" for n, (name, _) in enumerate(chart.people)
    ]
    axes.set_yticks(places, names)
    # The longest bar is on top, and a few bars are as thin as many.
    axes.set_ylim(max(len(chart.people), 4) - 0.5, -0.5)
    axes.set_xlim(0, max(*(count for _, count in chart.people), 1) * 1.1)
    axes.xaxis.set_visible(False)
    _tidy(axes)


def _ticks(days: list[str]) -> list[str]:
    """Label the year only where it begins."""
    before = ["", *days]
    return [
        day if day[:4] != last[:4] else day[5:] for day, last in zip(days, before, strict=False)
    ]


def _drawable(text: str) -> str:
    """Return the characters of a name that the font has; nothing if they are less than half."""
    font = FT2Font(findfont(FONT))
    drawn = "".join(c for c in text if font.get_char_index(ord(c)))
    letters = [c for c in text if unicodedata.category(c)[0] in "LN"]
    return drawn.strip() if sum(c in drawn for c in letters) * 2 > len(letters) else ""


def _tidy(axes: Axes) -> None:
    axes.set_axisbelow(True)
    axes.tick_params(length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)


def main() -> None:
    """Read a chart and draw it."""
    chart = Chart.decode(sys.stdin.buffer.read())
    sys.stdout.buffer.write(draw(chart))


if __name__ == "__main__":
    main()

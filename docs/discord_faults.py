"""Writes docs/discord-faults.md: python docs/discord_faults.py, from the repository's root."""

import sys
from pathlib import Path

FILE = Path(__file__).with_name("discord-faults.md")
sys.path.insert(0, str(FILE.parents[1]))

from playground.wire.faults import Outage  # noqa: E402
from tests.wire.faults.matrix import OUTCOMES  # noqa: E402

HEAD = """# When Discord fails

Each row is a kind of outage, each column the moment at which a request encounters it, and each cell
the outcome. `tests/wire/faults/test_fault_matrix.py` runs every cell against the real bot process,
and `docs/discord_faults.py` writes this page.

"403, HTML" and "1015" are pages of Cloudflare, in front of Discord; "timeout" is no response at
all, and "reset" a lost connection. Where startup waits, it retries by itself with growing pauses.
"""


def text() -> str:
    """Return the page."""
    points = list(OUTCOMES)
    rows = [["", *points], ["---"] * (len(points) + 1)]
    rows += [[one, *(str(OUTCOMES[point][one]) for point in points)] for one in Outage]
    table = "\n".join("| " + " | ".join(map(str, row)) + " |" for row in rows)
    return f"{HEAD}\n{table}\n"


if __name__ == "__main__":
    FILE.write_text(text(), "utf-8")

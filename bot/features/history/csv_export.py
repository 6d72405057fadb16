"""CSV files that are safe to open in a spreadsheet."""

import csv
import io
import unicodedata
from collections.abc import Iterable, Sequence
from typing import IO

import regex

# Byte order mark: without it, Excel misreads non-ASCII letters.
MARK = b"\xef\xbb\xbf"
# What makes a spreadsheet run a cell as a formula (OWASP, "CSV Injection"), full-width and small
# form variants included, even after invisible characters; and what makes it start another cell.
_BLANK = r"\s\p{Z}\p{C}\p{Default_Ignorable_Code_Point}"
_FORMULA = regex.compile(rf"[{_BLANK}]*[=+\-@−]|[\t\r\n]")

Cell = str | int | float | None


def line(cells: Sequence[Cell]) -> bytes:
    """Return a row of cells; text that would be a formula is prefixed with an apostrophe."""
    file = io.StringIO(newline="")
    csv.writer(file).writerow([_harmless(cell) for cell in cells])
    return file.getvalue().encode(errors="replace")


def digits(discords_id: int | None) -> str | None:
    """Return a Discord id so that spreadsheets, limited to 15 digits, do not treat it as a number.

    An apostrophe works in all of them, visibly; a tab does not work everywhere.
    """
    return None if discords_id is None else f"'{discords_id}"


class Sheet:
    """A file of at most ``most_rows`` rows and ``most_bytes`` bytes, with a header row."""

    def __init__(
        self, file: IO[bytes], columns: Sequence[str], *, most_rows: int, most_bytes: int
    ) -> None:
        self._file = file
        self._most_rows, self._most_bytes = most_rows, most_bytes
        self.rows = 0
        self._file.write(MARK + line(columns))

    def write(self, rows: Iterable[Sequence[Cell]]) -> bool:
        """Write rows; False if one no longer fits, after which none is written."""
        for row in rows:
            written = line(row)
            if self.rows == self._most_rows or self._file.tell() + len(written) > self._most_bytes:
                return False
            self._file.write(written)
            self.rows += 1
        return True


def _harmless(cell: Cell) -> Cell:
    if not isinstance(cell, str) or not _FORMULA.match(unicodedata.normalize("NFKC", cell)):
        return cell
    return "'" + cell

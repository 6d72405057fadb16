"""CSV files that a spreadsheet opens, and runs nothing of."""

import csv
import io
import unicodedata
from collections.abc import Iterable, Sequence
from typing import IO

import regex

# At a file's start: without it, Excel reads other letters than were written.
MARK = b"\xef\xbb\xbf"
# What makes a spreadsheet run a cell as a formula (OWASP, "CSV Injection"), in wide and in small
# letters too, behind whatever is not seen; and what makes it read on in another cell.
_BLANK = r"\s\p{Z}\p{C}\p{Default_Ignorable_Code_Point}"
_FORMULA = regex.compile(rf"[{_BLANK}]*[=+\-@−]|[\t\r\n]")

Cell = str | int | float | None


def line(cells: Sequence[Cell]) -> bytes:
    """Return a row of cells; text that would be a formula gets an apostrophe before it."""
    file = io.StringIO(newline="")
    csv.writer(file).writerow([_harmless(cell) for cell in cells])
    return file.getvalue().encode(errors="replace")


def digits(discords_id: int | None) -> str | None:
    """Return an id of Discord's that no spreadsheet takes for a number: they have 15 digits only.

    An apostrophe does so in every one of them, and stands in the cell; a tab would not everywhere.
    """
    return None if discords_id is None else f"'{discords_id}"


class Sheet:
    """A file of at most ``most_rows`` rows and ``most_bytes`` bytes, with its columns' names."""

    def __init__(
        self, file: IO[bytes], columns: Sequence[str], *, most_rows: int, most_bytes: int
    ) -> None:
        self._file = file
        self._most_rows, self._most_bytes = most_rows, most_bytes
        self.rows = 0
        self._file.write(MARK + line(columns))

    def write(self, rows: Iterable[Sequence[Cell]]) -> bool:
        """Write rows; False where one did not fit any more, and none after it was written."""
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

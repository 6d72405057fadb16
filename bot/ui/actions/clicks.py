"""Double clicks: a second click on the same button within two seconds does not count."""

from collections import OrderedDict
from datetime import datetime, timedelta

WINDOW = timedelta(seconds=2)
REMEMBERED = 1000


class Clicks:
    """Recent clicks.

    Forgetting them in a restart does no harm. Times are Discord's, taken when people clicked, so
    late delivery does not distort the interval between two clicks.
    """

    def __init__(self, window: timedelta = WINDOW) -> None:
        self._window = window
        self._counted: OrderedDict[tuple[int, str], datetime] = OrderedDict()

    def __len__(self) -> int:
        return len(self._counted)

    def count(self, person_id: int, custom_id: str, at: datetime) -> bool:
        """Tell whether a click counts; one that does not leaves no trace."""
        click = (person_id, custom_id)
        last = self._counted.get(click)
        if last is not None and abs(at - last) < self._window:
            return False
        self._counted[click] = at
        self._counted.move_to_end(click)
        self._forget_old(at)
        return True

    def forget(self, person_id: int, custom_id: str) -> None:
        """Let the next click count, because this one failed."""
        self._counted.pop((person_id, custom_id), None)

    def _forget_old(self, now: datetime) -> None:
        while len(self._counted) > 1:
            click, at = next(iter(self._counted.items()))
            if len(self._counted) <= REMEMBERED and now - at < self._window:
                return
            del self._counted[click]

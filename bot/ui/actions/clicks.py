"""Double clicks: of two clicks by one person on one button within two seconds, the first counts."""

from collections import OrderedDict
from datetime import datetime, timedelta

WINDOW = timedelta(seconds=2)
REMEMBERED = 1000


class Clicks:
    """Who clicked what a moment ago.

    It is a courtesy, so a restart may forget it. The moments are Discord's, at which people
    clicked: however late we hear of two clicks, they are as far apart as they were.
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
        """Let the next click count: this one came to nothing."""
        self._counted.pop((person_id, custom_id), None)

    def _forget_old(self, now: datetime) -> None:
        while len(self._counted) > 1:
            click, at = next(iter(self._counted.items()))
            if len(self._counted) <= REMEMBERED and now - at < self._window:
                return
            del self._counted[click]

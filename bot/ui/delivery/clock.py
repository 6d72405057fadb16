"""Discord's time, which this machine's clock need not have.

How old an interaction's token is counts from the time in its id, which is Discord's. Each answer
of its API says what time it is there; a clock that is wrong by minutes loses nobody's job.
"""

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from types import SimpleNamespace

import aiohttp
import discord


class DiscordClock:
    """Tells Discord's time, as far as its latest answer said it; before any, this machine's."""

    def __init__(self) -> None:
        self._ahead = timedelta(0)

    def now(self) -> datetime:
        """Return what time it is at Discord."""
        return discord.utils.utcnow() + self._ahead

    def listen(self, trace: aiohttp.TraceConfig) -> aiohttp.TraceConfig:
        """Let the clock hear the answers that an HTTP client with this trace gets."""
        trace.on_request_end.append(self._heard)
        return trace

    async def _heard(
        self,
        _session: aiohttp.ClientSession,
        _context: SimpleNamespace,
        params: aiohttp.TraceRequestEndParams,
    ) -> None:
        date = params.response.headers.get("Date")
        if date is None or not params.url.path.startswith("/api/"):
            return  # another host's, or one that a cache answered for
        try:
            self._ahead = parsedate_to_datetime(date) - discord.utils.utcnow()
        except (TypeError, ValueError):  # no date, or one without its zone
            return

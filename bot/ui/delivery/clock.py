"""Discord's time, from which this machine's clock may differ.

An interaction token's age counts from the time in its id, which is Discord's. Every API response
carries Discord's time, so a local clock that is off by minutes costs nobody a job.
"""

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from types import SimpleNamespace

import aiohttp
import discord

HALF_S = timedelta(seconds=0.5)  # what a time in whole seconds is behind on average


class DiscordClock:
    """Discord's time according to its latest response; before any, this machine's."""

    def __init__(self) -> None:
        self._ahead = timedelta(0)
        self._heard_last: str | None = None

    def now(self) -> datetime:
        """Return the current time at Discord."""
        return discord.utils.utcnow() + self._ahead

    def age(self, snowflake: int) -> float:
        """Return how many seconds ago an id was made at Discord, never fewer than 0.

        Its responses tell whole seconds: a clock here that agrees with them is taken for right, as
        it tells fractions, too.
        """
        agrees = abs(self._ahead + HALF_S) < 3 * HALF_S
        now = discord.utils.utcnow() if agrees else self.now()
        return max(0.0, (now - discord.utils.snowflake_time(snowflake)).total_seconds())

    def listen(self, trace: aiohttp.TraceConfig) -> aiohttp.TraceConfig:
        """Let the clock read the responses to an HTTP client with this trace."""
        trace.on_request_end.append(self._heard)
        return trace

    async def _heard(
        self,
        _session: aiohttp.ClientSession,
        _context: SimpleNamespace,
        params: aiohttp.TraceRequestEndParams,
    ) -> None:
        date = params.response.headers.get("Date")
        if date == self._heard_last or date is None:
            return  # the same second, of which the first response says the most
        if not params.url.path.startswith("/api/"):
            return  # another host's response, or a cached one
        self._heard_last = date
        try:
            self._ahead = parsedate_to_datetime(date) - discord.utils.utcnow()
        except (TypeError, ValueError):  # no date, or one without a time zone
            return

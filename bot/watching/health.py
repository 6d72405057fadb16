"""Whether the bot can serve people, and what is missing if not."""

import asyncio
import time
from typing import TYPE_CHECKING

from bot.db.errors import StoreError
from generation.worker.link import LaneStatus

if TYPE_CHECKING:
    from bot.app import App

WRITE_S = 3.0  # how long the database may take
KNOWN_S = 5.0  # how long an answer of the disk holds
SERVING = (LaneStatus.READY, LaneStatus.LOADING)


class Health:
    """Examines a bot; whoever asks often or at once is told what was found a moment ago."""

    def __init__(self) -> None:
        self.app: App | None = None
        self._asked = asyncio.Lock()
        self._disk: tuple[App, float, str | None] | None = None

    async def missing(self) -> list[str]:
        """Return one line for each thing that keeps the bot from serving people."""
        app = self.app
        if app is None:
            return ["the bot is not built yet, or waits to connect anew"]
        lines = [_shards(app), await self._database(app), _lanes(app)]
        return [line for line in lines if line is not None]

    async def _database(self, app: "App") -> str | None:
        async with self._asked:
            now = time.monotonic()
            if self._disk is not None and self._disk[0] is app and now - self._disk[1] < KNOWN_S:
                return self._disk[2]
            found = await _try_to_write(app)
            self._disk = app, time.monotonic(), found
            return found


async def _try_to_write(app: "App") -> str | None:
    """Write to the database without changing anything; return why that is not possible."""
    try:
        async with asyncio.timeout(WRITE_S):
            await app.database.prove_writable()
    except StoreError as error:
        return f"the database cannot be written: {error}"
    except TimeoutError:
        return f"the database cannot be written: not within {WRITE_S:g} s"
    return None


def _shards(app: "App") -> str | None:
    client = app.client
    if client.shard_count is None:
        return "not connected to Discord yet"
    deaf = client.deaf_shards
    if not deaf:
        return None
    return f"not connected to Discord: shard {', '.join(map(str, deaf))} of {client.shard_count}"


def _lanes(app: "App") -> str | None:
    lanes = app.executor.lanes()
    if any(lane.status in SERVING for lane in lanes):
        return None
    doing = ", ".join(f"{lane.name} is {lane.status}" for lane in lanes)
    return f"nothing is ready to draw: {doing or 'there is no lane'}"

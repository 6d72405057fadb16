"""What breaks, every few seconds."""

import asyncio
import sys
from collections import Counter
from collections.abc import Callable
from random import Random

from benchmarks.storms.disk import BROKEN, FULL, QUOTA, READ_ONLY, Disk
from benchmarks.storms.house import House
from bot.db.database import FILE_NAME
from playground import Playground

BETWEEN_S = (2.0, 6.0)
LOCK_S = (5.0, 30.0, 5.0)  # minimum, maximum, and mode
DISK_S = (2.0, 8.0)
ARRIVAL_S = 120.0
SYNC_S = (0.1, 1.5)
HOLD = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
connection.execute("BEGIN EXCLUSIVE")
time.sleep(float(sys.argv[2]))
"""
CALLBACK, MESSAGES = r"/interactions/.*/callback", r"/messages/"


class Mishaps:
    """Breaks one thing after another; lasting failures end after a while, or with `mend`."""

    def __init__(self, playground: Playground, house: House, disk: Disk, chance: Random) -> None:
        self._playground = playground
        self._house = house
        self._disk = disk
        self._chance = chance
        self._lasting: set[asyncio.Task[None]] = set()
        self._disk_breaks = asyncio.Lock()
        self._locks = asyncio.Lock()
        self.counted: Counter[str] = Counter()

    async def break_on(self) -> None:
        """Break things until cancelled."""
        lasting = [self._lock, self._fill_disk, self._slow_disk, self._kill_bot]
        passing = [self._kill_worker, self._drop_socket, self._fail_requests]
        bag: list[Callable[[], None]] = []
        while True:
            await asyncio.sleep(self._chance.uniform(*BETWEEN_S))
            # While the bot is down it accepts nothing, and has nothing to lose.
            await self._playground.wait_for(self._is_there, ARRIVAL_S, "the bot")
            if not bag:
                bag = [*lasting, *passing, *passing]
                self._chance.shuffle(bag)
            bag.pop()()

    def _is_there(self) -> bool:
        return self._playground.gateway.connected

    async def mend(self) -> None:
        """Wait until lasting failures are over, and let everything work again."""
        for task in self._lasting:
            task.cancel()
        if self._lasting:
            await asyncio.wait(self._lasting)
        self._disk.heal()
        self._playground.faults.clear()

    def _lock(self) -> None:
        self._last("lock", self._hold(self._chance.triangular(*LOCK_S)))

    def _fill_disk(self) -> None:
        number = self._chance.choice((FULL, FULL, QUOTA, READ_ONLY, BROKEN))
        self._last("disk", self._refuse(number, self._chance.uniform(*DISK_S)))

    def _slow_disk(self) -> None:
        slowness = self._chance.uniform(*SYNC_S)
        self._last("slow sync", self._dawdle(slowness, self._chance.uniform(*DISK_S)))

    def _kill_worker(self) -> None:
        self.counted["worker killed"] += 1
        self._house.kill_worker()

    def _kill_bot(self) -> None:
        self.counted["bot killed"] += 1
        self._house.kill()

    def _drop_socket(self) -> None:
        self.counted["socket"] += 1
        gateway = self._playground.gateway
        self._chance.choice((gateway.drop, gateway.invalidate, gateway.ask_to_reconnect))()

    def _fail_requests(self) -> None:
        self.counted["5xx"] += 1
        faults, times = self._playground.faults, self._chance.randint(1, 6)
        status = self._chance.choice((500, 502, 503))
        path = self._chance.choice((CALLBACK, MESSAGES, MESSAGES))
        method = "POST" if path == CALLBACK else "PATCH"
        match self._chance.randrange(4):
            case 0:
                faults.fail(method, path, status, times=times)
            case 1:
                faults.lose_answer(method, path, status, times=times)
            case 2:
                faults.limit(method, path, self._chance.uniform(0.2, 2.0), times=times)
            case _:
                faults.slow(method, path, self._chance.uniform(0.2, 4.0), times=times)

    def _last(self, kind: str, mishap: "asyncio._CoroutineLike[None]") -> None:
        self.counted[kind] += 1
        task = asyncio.create_task(mishap)
        self._lasting.add(task)
        task.add_done_callback(self._lasting.discard)

    async def _hold(self, seconds: float) -> None:
        async with self._locks:
            database = str(self._disk.folder / FILE_NAME)
            holder = await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", HOLD, database, str(seconds)),
                stderr=asyncio.subprocess.DEVNULL,
            )
            try:
                await holder.wait()
            finally:
                if holder.returncode is None:
                    holder.kill()
                    await holder.wait()

    async def _refuse(self, number: int, seconds: float) -> None:
        async with self._disk_breaks:
            self._disk.refuse(number)
            await self._heal_after(seconds)

    async def _dawdle(self, slowness: float, seconds: float) -> None:
        async with self._disk_breaks:
            self._disk.dawdle(slowness)
            await self._heal_after(seconds)

    async def _heal_after(self, seconds: float) -> None:
        try:
            await asyncio.sleep(seconds)
        finally:
            self._disk.heal()

"""A bot in trouble: everybody sends requests, and every few seconds something breaks."""

import asyncio
import json
import random
import sys
import tempfile
from pathlib import Path

from benchmarks import Figures
from benchmarks.storms.crowd import Crowd
from benchmarks.storms.disk import Disk
from benchmarks.storms.house import House
from benchmarks.storms.judge import Judge, Verdicts
from benchmarks.storms.mishaps import Mishaps
from playground import Playground

LABELS = {
    "accepted": "jobs that were accepted",
    "posted_once": "of these posted, in one message",
    "told": "of these ended with a line that says why",
    "lost": "of these lost without a word",
    "twice": "of these posted twice",
    "stuck": "of these that never ended",
}

# Once nothing breaks any more, the longest pause ends within a minute.
PATIENCE_S = 180.0


def run(minutes: float = 20.0, seed: int = 1) -> Figures:
    """Storm for this many minutes, wait until everything has ended, and count.

    Failures, and how often each thing was broken, are printed to standard error.
    """
    with tempfile.TemporaryDirectory() as folder:
        verdicts, broken = asyncio.run(storm(Path(folder), 60 * minutes, seed))
    print(json.dumps(broken), file=sys.stderr)
    for line in verdicts.wrong:
        print(line, file=sys.stderr)
    return verdicts.figures()


async def storm(folder: Path, seconds: float, seed: int) -> tuple[Verdicts, dict[str, int]]:
    """Return what became of the jobs, and how often each thing was broken."""
    data, workshop = folder / "data", folder / "workshop"
    data.mkdir()
    workshop.mkdir()
    disk = await asyncio.to_thread(Disk, data, workshop)
    chance = random.Random(seed)  # noqa: S311 - it keeps no secrets
    async with Playground() as playground, House(playground, data, disk) as house:
        await playground.ready(PATIENCE_S)
        crowd = Crowd(playground, random.Random(chance.random()))  # noqa: S311
        mishaps = Mishaps(playground, house, disk, chance)
        try:
            async with asyncio.timeout(seconds):
                await asyncio.gather(crowd.ask_on(), mishaps.break_on())
        except TimeoutError:
            pass
        await mishaps.mend()
        judge = Judge(playground, data, await crowd.accepted())
        await judge.settle(PATIENCE_S)
        verdicts = judge.verdicts()
        if verdicts.bad():
            verdicts.wrong += house.log.read_text("utf-8").splitlines()
        return verdicts, mishaps.counted

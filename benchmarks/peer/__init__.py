"""How soon people see their pictures, beside a plain bot that calls diffusers' pipeline."""

import asyncio
import statistics
import sys
from dataclasses import dataclass

from benchmarks import Figures
from benchmarks.peer.sittings import OURS, PEER, Load, sitting

LABELS = {
    "throughput_8x1_ratio": "pictures in a second, 8 people × 1 picture: ours to the plain bot's",
    "throughput_8x4_ratio": "pictures in a second, 8 people × 4 pictures: likewise",
    "first_progress_ratio": "until people saw a first step, both loads: likewise",
    "alone_ratio": "one person's picture: seconds of ours to the plain bot's",
    "ack_mean_ratio": "until the first answer, both loads, mean: likewise",
    "rss_mb": "memory of all our processes at rest (MB)",
    "peer_rss_mb": "memory of the plain bot at rest (MB)",
}

TIMES = 3
ALONE = 5  # times one person asks in a sitting, of which the median counts
PEOPLE = 8


@dataclass(frozen=True, slots=True)
class Result:
    """One sitting; times in seconds."""

    command_s: float
    first_picture_s: float
    rss_mb: float
    alone_1: float
    alone_4: float
    eight_1: Load
    eight_4: Load

    @property
    def first(self) -> float:
        """Until people saw a first step, mean of both loads."""
        return statistics.mean([self.eight_1.first, self.eight_4.first])

    @property
    def ack(self) -> float:
        """Until people were answered, mean of both loads."""
        return statistics.mean([self.eight_1.ack, self.eight_4.ack])


def run() -> Figures:
    """Run both bots in turn, each against a playground of its own; all figures are medians."""
    return asyncio.run(_measure())


async def _measure() -> Figures:
    ours: list[Result] = []
    theirs: list[Result] = []
    for _ in range(TIMES):
        for name, program, results in (("plain", PEER, theirs), ("ours", OURS, ours)):
            results.append(await _sit(program))
            _print(name, results[-1])
    pairs = list(zip(ours, theirs, strict=True))

    def ratio(value: str, load: str = "") -> float:
        def of(one: Result) -> float:
            return getattr(getattr(one, load) if load else one, value)

        return round(statistics.median(of(our) / of(their) for our, their in pairs), 3)

    print(f"  alone, four pictures: {ratio('alone_4')}")
    print(f"  first step, 8 × 1: {ratio('first', 'eight_1')}; 8 × 4: {ratio('first', 'eight_4')}")
    print(f"  commands after a cold start: {ratio('command_s')}")
    print(f"  a picture after a cold start: {ratio('first_picture_s')}")
    return {
        "throughput_8x1_ratio": round(1 / ratio("seconds", "eight_1"), 2),
        "throughput_8x4_ratio": round(1 / ratio("seconds", "eight_4"), 2),
        "first_progress_ratio": ratio("first"),
        "alone_ratio": ratio("alone_1"),
        "ack_mean_ratio": ratio("ack"),
        "rss_mb": round(statistics.median(one.rss_mb for one in ours), 1),
        "peer_rss_mb": round(statistics.median(one.rss_mb for one in theirs), 1),
    }


async def _sit(program: tuple[str, ...]) -> Result:
    async with sitting(program) as one:
        first = await one.ask(1, 1)
        await one.ask(1, 4)  # the first of its size takes longer
        rss_mb = await one.rss_mb()
        alone = {
            count: statistics.median([(await one.ask(1, count)).seconds for _ in range(ALONE)])
            for count in (1, 4)
        }
        eight_1 = await one.ask(PEOPLE, 1)
        eight_4 = await one.ask(PEOPLE, 4)
        return Result(
            one.command_s,
            one.command_s + first.seconds,
            rss_mb,
            alone[1],
            alone[4],
            eight_1,
            eight_4,
        )


def _print(name: str, one: Result) -> None:
    print(
        f"  {name:<6} commands after {one.command_s:.1f} s, a picture after"
        f" {one.first_picture_s:.1f} s, {one.rss_mb:.0f} MB; alone {one.alone_1:.2f} s,"
        f" four {one.alone_4:.2f} s; 8 × 1 {one.eight_1.seconds:.1f} s, first step"
        f" {one.eight_1.first:.2f} s; 8 × 4 {one.eight_4.seconds:.1f} s, first step"
        f" {one.eight_4.first:.2f} s; answers {1000 * one.ack:.1f} ms"
    )
    sys.stdout.flush()

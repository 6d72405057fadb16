"""Being asked to stop: what runs may end, what waits is taken up by the next start."""

import asyncio
import re
import signal

import psutil

from playground import Playground
from tests.wire.conftest import PATIENCE_S, Process

LONG, SHORT = 100, 40  # steps


async def draw(playground: Playground, bot: Process, person: str, steps: int) -> None:
    await playground.slash(person, "darkroom", "imagine", prompt="a pear", count=1, steps=steps)


async def stepped(playground: Playground, bot: Process) -> None:
    def shown() -> bool:
        return any(re.search(r"step [1-9]", message.content) for message in bot.posted())

    await playground.wait_for(shown, PATIENCE_S, "a step")


async def test_what_runs_ends_and_what_waits_is_taken_up(playground: Playground, tmp_path):
    bot = Process(playground, tmp_path)
    await bot.start(GENERATION__DRAIN_S="600")
    await draw(playground, bot, "mia", SHORT)
    await draw(playground, bot, "mia", SHORT)  # waits, as one runs for each person
    await stepped(playground, bot)
    ending = asyncio.create_task(bot.end(signal.SIGTERM))
    await bot.said("may end within 600 s")
    # It still answers: who asks now is told that the job waits.
    await draw(playground, bot, "morgan", SHORT)
    await bot.until("(SELECT count(*) FROM jobs WHERE status = 'queued')", lambda count: count == 2)
    assert await ending == 0
    assert [status for (status,) in bot.rows("status")] == ["done", "queued", "queued"]
    first = bot.posted()[0]
    assert len(first.attachments) == 1, "it was posted before the end"
    await bot.start()
    await bot.finished(1, messages=3)
    assert [len(message.attachments) for message in bot.posted()] == [1, 1, 1]
    assert bot.rows("status") == [("done",)] * 3
    assert await bot.end() == 0


async def test_what_does_not_end_in_time_is_drawn_again(playground: Playground, tmp_path):
    bot = Process(playground, tmp_path)
    await bot.start(GENERATION__DRAIN_S="0.2")
    await draw(playground, bot, "mia", LONG)
    await stepped(playground, bot)
    assert await bot.end(signal.SIGTERM) == 0
    assert bot.rows("status") == [("queued",)]
    await bot.start()
    await bot.finished(1)
    assert await bot.end() == 0


async def test_asked_twice_it_does_not_wait_and_asked_again_it_still_tidies_up(
    playground: Playground, tmp_path
):
    bot = Process(playground, tmp_path)
    await bot.start(GENERATION__DRAIN_S="3000")
    await draw(playground, bot, "mia", LONG)
    await stepped(playground, bot)
    workers = bot.children()
    ending = asyncio.create_task(bot.end(signal.SIGTERM))
    await bot.said("may end within 3000 s")
    for _ in range(3):
        await bot.signal(signal.SIGTERM)
    assert await ending == 0
    assert bot.rows("status") == [("queued",)]
    assert workers
    _, alive = await asyncio.to_thread(psutil.wait_procs, workers, PATIENCE_S)
    assert alive == []
    assert not bot.lines("Traceback")

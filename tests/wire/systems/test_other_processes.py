"""Two processes with the same token: one of them answers, and the other leaves it at that."""

import asyncio
import signal
import sqlite3
from pathlib import Path

from bot.db.database import FILE_NAME
from playground import Playground
from tests.wire.conftest import PATIENCE_S, Process


async def test_of_two_processes_one_answers_and_the_other_drops_the_job(
    playground: Playground, tmp_path: Path
):
    both = [Process(playground, tmp_path / name) for name in ("one", "two")]
    for count, process in enumerate(both, 1):
        process.folder.mkdir()
        # Under another name of Discord's they do not see each other, as on two machines.
        host = "127.0.0.1" if count == 1 else "localhost"
        await process.begin(
            DISCORD__API_URL=playground.api_url.replace("127.0.0.1", host),
        )
        await playground.wait_for(
            lambda count=count: playground.gateway.identifies == count, PATIENCE_S, "the bot"
        )
    try:
        await playground.ready(PATIENCE_S)
        for person in ("mia", "morgan"):
            await playground.slash(person, "darkroom", "imagine", prompt="a pear", count=1, steps=2)

        ends = "(SELECT count(*) FROM jobs WHERE status IN ('done', 'failed'))"
        for process in both:
            await process.until(ends, lambda count: count == 2)
        rows = [row for process in both for row in process.rows("status, error")]
        dropped = ("failed", "another process of this bot answered")
        assert sorted(rows, key=str) == [("done", None)] * 2 + [dropped] * 2
        said = [line for process in both for line in process.lines("another process with this")]
        assert len(said) == 2
        shown = both[0].posted()
        assert len(shown) == 2
        assert all(len(message.attachments) == 1 for message in shown)
        private = [one for one in playground.messages("darkroom", "mia") if one.ephemeral]
        assert private == [], "nobody is told twice"
    finally:
        for process in both:
            await process.end()


async def test_after_a_kill_an_answer_of_another_process_is_left_alone(
    playground: Playground, bot: Process
):
    held = playground.faults.hold_answer("POST", r"/interactions/.*/callback")
    await playground.slash("mia", "darkroom", "imagine", prompt="a pear", count=1, steps=2)
    await asyncio.wait_for(held.happened.wait(), PATIENCE_S)
    await bot.end(signal.SIGKILL)
    (message,) = bot.posted()
    before = message.content
    # As if another process had written that message: its button is for another job than ours.
    connection = sqlite3.connect(bot.folder / FILE_NAME, isolation_level=None)
    connection.execute("UPDATE jobs SET id = id + 1")
    connection.close()
    await bot.restart()
    dropped = ("failed", "another process of this bot answered")
    await bot.until("status, error", lambda *row: row == dropped)
    assert bot.posted() == [message]
    assert message.content == before

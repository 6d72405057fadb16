"""SIGKILL at every point of a job's way: what was accepted is posted exactly once."""

import asyncio
import re
import signal
import sqlite3

import psutil
import pytest

from bot.db.database import FILE_NAME
from bot.texts import say
from playground import Playground
from playground.wire.faults import Fault
from tests.wire.conftest import PATIENCE_S, Process

pytestmark = pytest.mark.real_worker

CALLBACK = r"/interactions/.*/callback"
PICTURES = 2


async def ask(playground: Playground, steps: int = 8) -> None:
    await playground.slash(
        "mia", "darkroom", "imagine", prompt="a red apple", count=PICTURES, steps=steps
    )


async def kill(bot: Process) -> None:
    workers = bot.children()
    await bot.end(signal.SIGKILL)
    _, alive = await asyncio.to_thread(psutil.wait_procs, workers, 20)
    assert alive == [], "the worker outlived the bot"


async def after_the_row(playground: Playground, bot: Process) -> None:
    await ask(playground)
    await bot.until("status, message_id", lambda status, _: status == "recorded")


async def after_the_first_answer(playground: Playground, bot: Process) -> None:
    held = playground.faults.hold_answer("POST", CALLBACK)
    await ask(playground)
    await asyncio.wait_for(held.happened.wait(), PATIENCE_S)
    assert bot.rows("status, message_id") == [("recorded", None)]


async def after_the_message_id(playground: Playground, bot: Process) -> None:
    await ask(playground)
    await bot.until("message_id", lambda message_id: message_id is not None)


async def in_mid_run(playground: Playground, bot: Process) -> None:
    await ask(playground, steps=40)

    def stepped() -> bool:
        return any(re.search(r"step [1-9]", message.content) for message in bot.posted())

    await playground.wait_for(stepped, PATIENCE_S, "a step")


async def after_the_final_edit(playground: Playground, bot: Process) -> None:
    held = playground.faults.hold_answer("PATCH", "/messages/", min_files=PICTURES)
    await ask(playground)
    await asyncio.wait_for(held.happened.wait(), PATIENCE_S)
    assert bot.rows("status") == [("running",)]


async def after_done(playground: Playground, bot: Process) -> None:
    await ask(playground)
    await bot.until("status", lambda status: status == "done")


@pytest.mark.parametrize(
    "point",
    [
        after_the_first_answer,
        after_the_message_id,
        in_mid_run,
        after_the_final_edit,
        after_done,
    ],
)
async def test_an_accepted_job_is_posted_exactly_once(playground: Playground, bot: Process, point):
    await point(playground, bot)
    await kill(bot)
    await bot.restart()
    message = await bot.finished(PICTURES)
    assert not message.mentions.users
    created = playground.log.matching("POST", r"/channels/\d+/messages$")
    assert created == [], "the first answer is the message that carries the pictures"

    await playground.click("morgan", message, say("button-reroll"))
    again = await bot.finished(PICTURES, messages=2)
    assert again.id != message.id
    assert [row[0] for row in bot.rows("status")] == ["done", "done"]


async def test_a_job_nobody_was_told_of_is_closed(playground: Playground, bot: Process):
    # The first answer never arrives: it is looked at only after the process is dead, and refused.
    playground.faults.add(Fault("POST", re.compile(CALLBACK), status=500, delay=2))
    await after_the_row(playground, bot)
    await kill(bot)
    await bot.restart()
    await bot.until("status, error", lambda *row: row == ("failed", "never acknowledged"))
    assert bot.posted() == []


@pytest.mark.parametrize("known", [True, False])
async def test_a_cancellation_that_nobody_saw_is_shown_by_the_next_start(
    playground: Playground, bot: Process, known: bool
):
    await in_mid_run(playground, bot)
    (message,) = bot.posted()
    playground.faults.fail("PATCH", "/messages/", 500, times=1000)
    await playground.click("mia", message, say("button-cancel"))
    await bot.until("status", lambda status: status == "cancelled")
    await kill(bot)
    playground.faults.clear()
    if not known:  # as where it was cancelled before its message was on record
        connection = sqlite3.connect(bot.folder / FILE_NAME)
        connection.execute("UPDATE jobs SET message_id = NULL")
        connection.commit()
        connection.close()
    await bot.restart()
    await playground.wait_for(
        lambda: say("job-cancelled") in message.content, PATIENCE_S, "the line"
    )
    await bot.until("message_id, interaction_token", lambda *row: row == (message.id, None))
    assert bot.posted() == [message]

"""What a server's AutoMod blocks is told to its person, and nothing is left hanging."""

import re

import pytest

from bot.texts import say
from playground import Playground
from playground.messages.messages import Message
from tests.texts import says
from tests.wire.conftest import PATIENCE_S, Process

CODES = (200000, 240000)


async def ask(playground: Playground, steps: int = 4):
    return await playground.slash(
        "mia", "darkroom", "imagine", prompt="a red apple", count=1, steps=steps
    )


def told(playground: Playground) -> list[Message]:
    return [one for one in playground.messages("darkroom", "mia") if one.ephemeral]


async def step_of(playground: Playground, bot: Process) -> Message:
    await ask(playground, 100)
    await playground.wait_for(
        lambda: any(re.search(r"step [1-9]", one.content) for one in bot.posted()),
        PATIENCE_S,
        "a step",
    )
    return bot.posted()[-1]


@pytest.mark.parametrize("code", CODES)
async def test_a_first_answer_that_automod_blocks_is_told_privately(
    playground: Playground, bot: Process, code: int
):
    playground.state.messages.automod["red apple"] = code
    asked = await ask(playground)
    answer = await asked.response(within=PATIENCE_S)
    assert answer.ephemeral
    assert "was blocked by" in answer.content
    assert says(answer.content, "error-answer-refused")
    assert bot.posted() == []
    await bot.until(
        "status, error", lambda status, error: status == "failed" and "blocked" in error
    )


@pytest.mark.parametrize("code", CODES)
async def test_pictures_that_automod_blocks_are_told_privately_and_the_public_line_is_cleared(
    playground: Playground, bot: Process, code: int
):
    message = await step_of(playground, bot)
    playground.state.messages.automod["red apple"] = code
    await bot.until("status", lambda status: status == "failed")
    await playground.wait_for(lambda: len(told(playground)) == 1, PATIENCE_S, "the private line")
    (private,) = told(playground)
    assert "was blocked by" in private.content
    assert "a red apple" in private.content
    assert "red apple" not in message.content
    assert "step" not in message.content
    assert message.buttons == []
    assert message.attachments == []


async def test_a_cancelled_job_whose_words_automod_blocks_is_cleared(
    playground: Playground, bot: Process
):
    message = await step_of(playground, bot)
    playground.state.messages.automod["red apple"] = CODES[0]
    await playground.click("mia", message, say("button-cancel"))
    await playground.wait_for(lambda: message.buttons == [], PATIENCE_S, "the end")
    assert message.content == say("job-cancelled")
    assert told(playground) == []

"""A pending reply, as for words that are looked for, becomes the job's one message."""

import io
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from bot.texts import say
from playground import Playground, Upload
from tests.generation.vision import tiny_clipseg as tiny
from tests.wire.conftest import PATIENCE_S, Process

ORIGINAL = r"/messages/@original"


@pytest.fixture
async def bot(playground: Playground, tmp_path: Path) -> AsyncIterator[Process]:
    """One whose owner has installed a segmenter."""
    tiny.colour_clipseg(tmp_path / "models" / "colours")
    process = Process(playground, tmp_path)
    await process.start(MODELS__FOLDERS=str(tmp_path / "models"))
    yield process
    assert await process.end() == 0


async def edit(playground: Playground, words: str, *, private: bool = False):
    file = io.BytesIO()
    tiny.boxes(128, 128, red=(16, 16, 63, 47)).save(file, "PNG")
    return await playground.slash(
        "mia",
        "darkroom",
        "edit",
        image=Upload("hat.png", file.getvalue()),
        prompt="a hat",
        mask_words=words,
        private=private,
    )


def nothing(_: Playground) -> None:
    """Discord is as it should be."""


def fail_it(playground: Playground) -> None:
    playground.faults.fail("PATCH", ORIGINAL, 500, times=8)


def lose_its_answer(playground: Playground) -> None:
    playground.faults.lose_answer("PATCH", ORIGINAL, times=8)


@pytest.mark.parametrize("misbehave", [nothing, fail_it, lose_its_answer])
async def test_it_is_filled_in_exactly_once(
    playground: Playground, bot: Process, misbehave: Callable[[Playground], None]
):
    misbehave(playground)
    await edit(playground, "the red hat")
    message = await bot.finished(4)
    assert bot.rows("status, message_id, interaction_token") == [("done", message.id, None)]
    assert playground.log.matching("POST", r"/channels/\d+/messages$") == []


async def test_a_killed_bot_fills_it_in_at_the_next_start(
    playground: Playground, bot: Process, tmp_path: Path
):
    playground.faults.slow("PATCH", ORIGINAL, PATIENCE_S)
    await edit(playground, "the red hat")
    await bot.until("status", lambda status: status == "recorded")
    await bot.end(signal.SIGKILL)
    assert [one.thinking for one in bot.posted()] == [True]
    playground.faults.clear()
    await bot.start(MODELS__FOLDERS=str(tmp_path / "models"))
    message = await bot.finished(4)
    assert bot.rows("status, message_id") == [("done", message.id)]


@pytest.mark.parametrize("private", [True, False])
async def test_nobody_else_sees_that_nothing_was_found(
    playground: Playground, bot: Process, private: bool
):
    await edit(playground, "a green hat", private=private)
    line = say("error-words-nothing", words="a green hat")

    def told() -> bool:
        seen = playground.messages("darkroom", "mia")
        return any(one.content == line and one.private_to is not None for one in seen)

    await playground.wait_for(told, PATIENCE_S, "the line")
    await playground.wait_for(lambda: bot.posted() == [], PATIENCE_S, "nothing else")
    assert bot.rows("status") == []

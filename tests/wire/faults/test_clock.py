"""A machine whose clock is twenty minutes ahead of Discord's, or behind it."""

import signal
from pathlib import Path

import pytest

from playground import Playground
from playground.interactions.interactions import Interaction
from playground.messages.messages import Message
from tests.discord_spec.judge import Judge
from tests.wire.conftest import PATIENCE_S, Process

WRONG_S = 20 * 60.0


def shown(asked: Interaction) -> Message | None:
    """The private answer, when its picture is there."""
    original = asked.original
    return original if original is not None and original.attachments else None


@pytest.mark.parametrize("ahead", [WRONG_S, -WRONG_S], ids=["behind", "ahead"])
async def test_no_private_job_is_lost(tmp_path: Path, ahead: float):
    judge = Judge()
    async with Playground(ahead=ahead) as playground:
        playground.observers.append(judge)
        bot = Process(playground, tmp_path)
        await bot.start()
        first = await playground.slash(
            "mia", "darkroom", "imagine", prompt="a red fox", count=1, steps=2, private=True
        )
        await playground.wait_for(lambda: shown(first), PATIENCE_S, "the private picture")
        second = await playground.slash(
            "mia", "darkroom", "imagine", prompt="a red fox", count=1, steps=100, private=True
        )
        await second.response(PATIENCE_S)
        await bot.until("status", lambda status: status == "running")
        await bot.end(signal.SIGKILL)
        await bot.restart()
        answer = await playground.wait_for(lambda: shown(second), PATIENCE_S, "it after the end")
        assert answer.private_to == playground.world.user("mia")
        await bot.until("count(*) FILTER (WHERE status = 'done')", lambda done: done == 2)
        assert playground.world.direct_messages(playground.world.user("mia")) is None
        assert await bot.end() == 0
    judge.speak()

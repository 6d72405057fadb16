"""Seconds, and at night a minute, of what `python -m benchmarks storms` does for twenty."""

import asyncio
import shutil
from pathlib import Path

import pytest

from benchmarks.storms import storm
from benchmarks.storms.judge import Judge
from bot.db.database import migrate
from playground import Playground
from playground.messages.drafts import Draft
from playground.messages.messages import Message


@pytest.mark.skipif(shutil.which("gcc") is None, reason="there is no gcc to build the disk with")
@pytest.mark.parametrize(
    ("seconds", "often", "kinds"),
    [(20, 2, 2), pytest.param(60, 6, 6, marks=pytest.mark.nightly)],
)
async def test_everything_at_once_loses_nothing(
    tmp_path: Path, seconds: int, often: int, kinds: int
):
    verdicts, broken = await storm(tmp_path, seconds, seed=1)
    assert verdicts.wrong == []
    assert sum(broken.values()) >= often
    assert len(broken) >= kinds, "everything is broken in turn"
    assert verdicts.figures()["accepted"] == verdicts.posted_once + verdicts.told


def button(job: int, label: str) -> dict[str, object]:
    one = {"type": 2, "style": 2, "label": label, "custom_id": f"job:{job}:{label.lower()}"}
    return {"type": 1, "components": [one]}


async def test_the_judge_sees_what_must_not_be(tmp_path: Path):
    await asyncio.to_thread(asyncio.run, migrate(tmp_path))
    async with Playground() as playground:
        place, bot = playground.world.channel("darkroom"), playground.world.bot

        def post(job: int, label: str, content: str) -> Message:
            draft = Draft(content, components=[button(job, label)])
            return playground.state.messages.create(place, bot, draft)

        accepted = {
            1: post(1, "Details", "**a pear**"),
            2: post(2, "Details", "**a pear**"),
            3: post(3, "Cancel", "**a pear**\n⚠️ That picture is too large."),
            4: post(4, "Cancel", "**a pear**\nstep 5 of 60"),
        }
        post(2, "Details", "**a pear**")
        verdicts = Judge(playground, tmp_path, accepted).verdicts()
    assert verdicts.figures() == {
        "accepted": 4,
        "posted_once": 1,
        "told": 1,
        "lost": 1,
        "twice": 1,
        "stuck": 0,
    }
    assert [line[:9] for line in verdicts.wrong] == ["job 2 is ", "job 4 was"]

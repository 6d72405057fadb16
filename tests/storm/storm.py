"""A storm of interactions: everything that can be sent to the bot, by many people, in any order.

Somewhat more than every fourth is one that must bring pictures, sent by people who ask for them as
one should, where nobody sets rules. Every other one is anything at all.
"""

from pathlib import Path

import simcord

from tests.fakes import RecordingExecutor
from tests.storm.judge import Tally
from tests.storm.means import LONG, Means
from tests.storm.steady import Steady
from tests.storm.wild import Wild

STEADY_SHARE = 0.3  # of the interactions that must bring pictures
LEAST_SHARE = 0.25
LET_GO_SHARE = 0.2  # of the turns while the device is held up


async def blow(
    env: simcord.Env, executor: RecordingExecutor, folder: Path, *, seed: str, interactions: int
) -> Tally:
    """Send so many interactions, let everything end, and return what became of them.

    The same seed sends the same to the same bot.
    """
    means = Means(env, executor, folder, seed)
    steady = Steady(means)
    wild = Wild(means, steady)
    tally = means.judge.tally
    with means.judge.listening():
        while tally.interactions < interactions or tally.valid < LEAST_SHARE * tally.interactions:
            if executor.hold and means.random.random() < LET_GO_SHARE:
                await means.let_go()
            due = tally.valid < STEADY_SHARE * tally.interactions
            if not executor.hold and (due or means.random.random() < STEADY_SHARE / 2):
                await steady.turn()
            else:
                await wild.turn()
        await means.let_go()
        await means.pass_time(2 * LONG)
        means.judge.look_at_the_store()
    return tally

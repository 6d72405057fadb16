"""A moderator's round at the wire: Discord's own rules hold for what the commands answer."""

from bot.texts import say
from playground import Playground
from playground.messages.messages import Message
from tests.wire.conftest import PATIENCE_S, Process


async def test_a_moderators_round(playground: Playground, bot: Process):
    async def told(who: str, command: str, words: str, /, **options: object) -> Message:
        await playground.slash(who, "darkroom", command, **options)

        def answer() -> Message | None:
            for seen in playground.messages("darkroom", who)[-1:]:
                if seen.private_to is not None and words in f"{seen.content}{seen.embeds}":
                    return seen
            return None

        return await playground.wait_for(answer, PATIENCE_S, f"{command}: {words}")

    await told(
        "morgan",
        "mod filter add",
        say("filter-added", id=1, line="").strip(),
        pattern="red",
        action="strip",
    )
    await told(
        "mia", "imagine", say("stripped", words="").strip(), prompt="a red fish", count=1, steps=2
    )
    await bot.finished(1)
    await told("morgan", "mod block", say("block-for-good"), person="mia", reason="enough")
    await told("mia", "imagine", "Moderators blocked you", prompt="a pear")
    await told("morgan", "mod blocks", "enough")
    await told("morgan", "mod remove", "Removed #1", job=1)
    await told("morgan", "mod audit", "filter add")
    assert bot.posted() == []
    assert bot.rows("json_extract(request, '$.prompt'), deleted_at IS NOT NULL") == [("a fish", 1)]

"""The buttons under pictures at the wire: Discord's own rules hold for what they answer."""

from bot.texts import say
from playground import Playground
from playground.messages.messages import Message
from tests.wire.conftest import PATIENCE_S, Process


async def test_the_buttons_under_pictures(playground: Playground, bot: Process):
    await playground.slash("morgan", "darkroom", "imagine", prompt="an apple", count=1, steps=2)
    message = await bot.finished(1)

    async def private(person: str, label: str, words: str) -> Message:
        await playground.click(person, message, label)

        def answer() -> Message | None:
            seen = playground.messages("darkroom", person)[-1]
            said = seen.private_to is not None and words in f"{seen.content}{seen.embeds}"
            return seen if said else None

        return await playground.wait_for(answer, PATIENCE_S, f"{label}: {words}")

    assert len((await private("mia", say("button-details"), "DPM++ 2M Karras")).attachments) == 1
    await private("mia", say("button-send"), "Sent: ")
    await private("mia", say("button-favourite"), say("favourite-added"))
    await private("mia", say("button-delete"), "Only the person who asked for it")

    opened = await playground.click("mia", message, "Remix")
    await playground.wait_for(lambda: opened.modal, PATIENCE_S, "the form")
    await playground.submit(opened, {"prompt": "a pear --seed 3"})
    remixed = await bot.finished(1, messages=2)
    assert "a pear" in remixed.content

    question = await private("morgan", say("button-delete"), say("block-for-good"))
    await playground.click("morgan", question, say("button-delete-for-good"))
    await playground.wait_for(lambda: bot.posted() == [remixed], PATIENCE_S, "the deletion")
    assert bot.rows("kind, deleted_at IS NOT NULL") == [("imagine", 1), ("remix", 0)]


async def test_buttons_of_another_database(playground: Playground, bot: Process):
    await playground.slash("morgan", "darkroom", "imagine", prompt="an apple", count=1, steps=2)
    old = await bot.finished(1)

    async def private(message: Message, label: str, words: str) -> Message:
        await playground.click("morgan", message, label)

        def answer() -> Message | None:
            seen = playground.messages("darkroom", "morgan")[-1]
            return seen if seen.private_to is not None and words in seen.content else None

        return await playground.wait_for(answer, PATIENCE_S, f"{label}: {words}")

    question = await private(old, say("button-delete"), say("block-for-good"))
    opened = await playground.click("morgan", old, "Remix")
    await playground.wait_for(lambda: opened.modal, PATIENCE_S, "the form")

    await bot.end()
    bot.folder /= "fresh"
    bot.folder.mkdir()
    await bot.restart()
    await playground.slash("mia", "darkroom", "imagine", prompt="a pear", count=1, steps=2)
    await bot.until("status", lambda status: status == "done")
    await private(old, say("button-details"), "I have no record of the picture")
    await private(question, say("button-delete-for-good"), "I have no record of the picture")
    await playground.submit(opened, {"prompt": "a quince"})
    await playground.wait_for(
        lambda: "a quince" in playground.messages("darkroom", "morgan")[-1].content,
        PATIENCE_S,
        "what was typed into the form",
    )
    assert [len(message.attachments) for message in bot.posted()] == [1, 1]
    assert bot.rows("person_name, deleted_at") == [("mia", None)]

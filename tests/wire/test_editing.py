"""Editing at the wire: the panel, the buttons and the commands, by Discord's own rules."""

import io

import numpy as np
from PIL import Image

from bot.features.editing.region import Region
from bot.texts import say
from playground import Playground, Upload
from playground.messages.messages import Message
from tests.fakes import png
from tests.wire.conftest import PATIENCE_S, Process

FEATHER = say("region-feather", pixels="16")


async def private(playground: Playground, person: str, condition, what: str) -> Message:
    def seen() -> Message | None:
        own = [one for one in playground.messages("darkroom", person) if one.private_to is not None]
        return next((one for one in reversed(own) if condition(one)), None)

    return await playground.wait_for(seen, PATIENCE_S, what)


def chosen(message: Message) -> list[str]:
    return [button.label for button in message.buttons if button.style == 1]


async def test_a_region_is_picked_and_survives_a_restart(playground: Playground, bot: Process):
    await playground.slash("morgan", "darkroom", "imagine", prompt="an apple", count=1, steps=2)
    message = await bot.finished(1)
    await playground.click("mia", message, say("button-edit-region"))
    panel = await private(playground, "mia", lambda one: one.attachments, "the panel")
    first = panel.attachments[0].id

    await playground.click("mia", panel, "1")
    await playground.wait_for(lambda: chosen(panel) == ["1"], PATIENCE_S, "the first cell")
    assert len(panel.attachments) == 1
    assert panel.attachments[0].id != first, "it was drawn again"

    await bot.end()
    await bot.restart()
    await playground.click("mia", panel, "20")
    await playground.wait_for(lambda: chosen(panel) == ["1", "20"], PATIENCE_S, "both cells")
    await playground.click("mia", panel, FEATHER)
    await playground.wait_for(
        lambda: say("region-feather", pixels="32") in [one.label for one in panel.buttons],
        PATIENCE_S,
        "the feather",
    )
    opened = await playground.click("mia", panel, say("region-draw"))
    await playground.wait_for(lambda: opened.modal, PATIENCE_S, "the form")
    await playground.submit(opened, {"prompt": "a pear", "strength": "1"})
    edited = await bot.finished(4, messages=2)
    assert "a pear" in edited.content
    assert say("job-edit", number="1") in edited.content
    (_, (kind, parent, feather)) = bot.rows("kind, parent_id, json_extract(request, '$.feather')")
    assert (kind, parent, feather) == ("inpaint", 1, 32)
    files = [one.read_bytes() for one in (bot.folder / "pictures").rglob("*.png")]
    (mask,) = [one for one in map(io.BytesIO, files) if Image.open(one).mode == "L"]
    wanted = np.asarray(Image.open(io.BytesIO(Region(1 | 1 << 19).mask(128, 128))))
    assert np.array_equal(np.asarray(Image.open(mask)), wanted)


async def test_the_buttons_that_draw_around_a_picture(playground: Playground, bot: Process):
    await playground.slash("morgan", "darkroom", "imagine", prompt="an apple", count=1, steps=2)
    message = await bot.finished(1)
    for number, label in enumerate(
        (
            say("button-zoom-out", factor="2"),
            say("button-pan-left"),
            say("button-pan-down"),
        ),
        2,
    ):
        await playground.click("mia", message, label)
        await bot.finished(4, messages=number)
    opened = await playground.click("mia", message, say("button-custom-zoom"))
    await playground.wait_for(lambda: opened.modal, PATIENCE_S, "the form")
    await playground.submit(opened, {"prompt": "a pear", "zoom": "1.2"})
    assert "a pear" in (await bot.finished(4, messages=5)).content
    await playground.click("mia", message, say("button-hires"))
    await bot.finished(1, messages=6)
    size = "json_extract(request, '$.width'), json_extract(request, '$.height')"
    assert bot.rows(f"kind, {size}") == [
        ("imagine", 128, 128),
        ("outpaint", 128, 128),
        ("outpaint", 192, 128),
        ("outpaint", 128, 192),
        ("outpaint", 128, 128),
        ("hires", 128, 128),
    ]


async def test_a_person_s_own_picture(playground: Playground, bot: Process):
    mask = Image.new("L", (64, 64))
    mask.paste(255, (0, 0, 32, 64))
    file = io.BytesIO()
    mask.save(file, "PNG")
    await playground.slash(
        "mia",
        "darkroom",
        "edit",
        image=Upload("cat.png", png(7)),
        mask=Upload("mask.png", file.getvalue()),
        prompt="a hat --steps 2",
    )
    edited = await bot.finished(4)
    assert say("left-out-mask-size", was="64×64", now="128×128") in edited.content
    await playground.slash(
        "mia", "darkroom", "outpaint", image=Upload("cat.png", png(7)), prompt="a hat", right=64
    )
    await bot.finished(4, messages=2)
    await playground.slash("mia", "darkroom", "edit", image=Upload("c.png", png(7)), prompt="a hat")
    refused = await private(
        playground, "mia", lambda one: say("bound-mask-given") in one.content, "the refusal"
    )
    assert refused.attachments == []
    assert [one for (one,) in bot.rows("kind")] == ["inpaint", "outpaint"]

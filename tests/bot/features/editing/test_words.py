"""Words as a mask: in /edit and in the panel, by a real segmenter in the real process."""

import asyncio
import copy
import io
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from bot.db.records import InputRole, Kind, Status
from bot.features.editing.finding import Finding
from bot.features.editing.panel import Panels
from bot.features.editing.region import ALL, Region, RegionId
from bot.texts import say
from generation.vision.segmenters import MOST_PHRASES, WORDS_LENGTH
from tests.bot.conftest import House, labels
from tests.bot.features.editing.test_around import line, picture
from tests.bot.features.editing.test_files import MASK, edit
from tests.bot.features.editing.test_panel import TOOLS, chosen, open_panel, shown, toggle
from tests.generation.vision import tiny_clipseg as tiny
from tests.storm.cast import Place
from tests.storm.wire import BUTTON, COMPONENT, Wire
from tests.texts import says

ROWS, INVERT, _, CLEAR, DRAW = TOOLS
WORDS = say("region-words")
RED, BLUE = (16, 16, 63, 47), (80, 64, 111, 111)


def scene(_seed: int = 0, width: int = 128, height: int = 128) -> bytes:
    """A red and a blue box."""
    file = io.BytesIO()
    tiny.boxes(128, 128, red=RED, blue=BLUE).resize((width, height)).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
async def house(house: House, tmp_path: Path, monkeypatch) -> AsyncIterator[House]:
    """One whose owner has installed a segmenter, and where every picture is the same."""
    monkeypatch.setattr("tests.fakes.png", scene)
    house.app.catalog.segmenters = (tiny.colour_clipseg(tmp_path / "segmenter"),)
    yield house
    await house.app.get(Finding).close()


def box_of(mask: bytes) -> tuple[int, int, int, int]:
    found = picture(mask).getbbox()
    assert found is not None
    return found


def near(found: tuple[int, ...], box: tuple[int, int, int, int]) -> bool:
    left, top, right, bottom = box
    return bool(np.allclose(found, (left, top, right + 1, bottom + 1), atol=5))


async def say_words(house: House, panel, words: str):
    label = next(one for one in labels(panel.response) if one.startswith(WORDS[:8]))
    opened = await house.max.click(panel.response, label=label)
    result = await house.max.submit_modal(opened, {"words": words})
    await house.settle()
    return result


async def test_what_words_mean_is_redrawn(house: House):
    result = await edit(house, scene(), mask_words="the red hat", feather=4)
    assert not result.ephemeral
    (request,) = house.executor.requests
    assert near(box_of(request.mask), RED)
    assert request.feather == 4
    job = await house.job(1)
    assert (job.kind, job.status) == (Kind.INPAINT, Status.DONE)
    assert [one.role for one in job.inputs] == [InputRole.MASK]
    assert await house.pictures.read_source(job.inputs[0].sha256) == request.mask
    assert len(result.response.attachments) == 4, "the pending answer became the job's"
    assert len(house.channel.history()) == 1
    await edit(house, scene(), mask_words="red, a blue box")
    assert near(box_of(house.executor.requests[1].mask), (*RED[:2], *BLUE[2:]))


@pytest.mark.parametrize("private", [True, False])
async def test_words_that_mean_nothing_there_are_one_private_line(house: House, private: bool):
    result = await edit(house, scene(), mask_words="a green hat", private=private)
    said = result.followups[-1] if result.followups else result.response
    assert said.content == say("error-words-nothing", words="a green hat")
    assert said.ephemeral
    assert house.executor.requests == []
    assert house.channel.history() == []
    assert house.env.errors


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"mask_words": ", ,"}, "`mask_words` must be 1 to"),
        (
            {"mask_words": "a,b,c,d,e,f"},
            say("error-invalid", field="mask_words", bound=say("bound-mask-words", most=5)),
        ),
        ({"mask_words": "hat", "mask": MASK}, "`mask_words` must be left out"),
    ],
)
async def test_words_have_bounds(house: House, options, said: str):
    assert MOST_PHRASES == 5
    result = await edit(house, scene(), **options)
    assert said in house.refusal(result)
    assert not house.app.get(Finding).running


async def test_without_a_segmenter_it_is_said_what_would_have_to_be_there(house: House):
    house.app.catalog.segmenters = ()
    result = await edit(house, scene(), mask_words="the hat")
    assert house.refusal(result) == say("error-no-segmenter")
    panel = await open_panel(house)
    assert labels(panel.response)[-5:] == TOOLS
    assert panel.response.content == say("region-panel")


async def test_a_damaged_segmenter_is_said_and_logged(house: House, caplog):
    (folder,) = house.app.catalog.segmenters
    (folder / "model.safetensors").write_bytes(b"damaged")
    result = await edit(house, scene(), mask_words="the hat", private=True)
    assert (result.followups or [result.response])[-1].content == say("error-segmenter")
    assert str(folder) in caplog.text
    assert house.env.errors


async def test_who_may_not_draw_has_nothing_looked_at(house: House):
    await house.morgan.slash(house.channel, "mod block", person=house.mia, duration="1h")
    result = await edit(house, scene(), mask_words="red", private=True)
    assert says((result.followups or [result.response])[-1].content, "error-blocked")
    assert not house.app.get(Finding).running
    assert house.env.errors


async def test_the_panel_picks_by_words_and_redraws_its_picture(house: House):
    panel = await open_panel(house)
    assert labels(panel.response)[-5:] == [ROWS, INVERT, WORDS, CLEAR, DRAW]
    assert panel.response.content == say("region-panel-words")
    before = await shown(panel.response)
    await say_words(house, panel, "the red hat")
    message = panel.response
    assert labels(message)[-3] == say("region-words-picked", words="the red hat")
    changed = np.abs(await shown(message) - before).max(2) > 60
    rows, columns = np.flatnonzero(changed.any(1)), np.flatnonzero(changed.any(0))
    assert near((columns[0], rows[0], columns[-1] + 1, rows[-1] + 1), RED)
    opened = await house.max.click(message, label=DRAW)
    filled = {
        row["component"]["custom_id"]: row["component"]["value"]
        for row in opened.modal["components"]
    }
    assert filled == {"prompt": "a red apple", "strength": "1", "feather": "16"}
    await house.max.submit_modal(opened, {"prompt": "a hat", "strength": "", "feather": "3"})
    await house.settle()
    request = house.executor.requests[1]
    assert near(box_of(request.mask), RED)
    assert (request.prompt, request.feather, request.strength) == ("a hat", 3, 1.0)


async def test_cells_words_and_invert_add_up(house: House):
    panel = await open_panel(house)
    await toggle(house, panel, "20")
    await say_words(house, panel, "red")
    await toggle(house, panel, "16")
    await toggle(house, panel, INVERT)
    assert len(chosen(panel.response)) == 18 + 1
    opened = await house.max.click(panel.response, label=DRAW)
    await house.max.submit_modal(opened, {"prompt": "a hat"})
    await house.settle()
    mask = np.asarray(picture(house.executor.requests[1].mask)) > 0
    assert not mask[20:44, 20:60].any(), "what is red stays"
    assert not mask[100:, :20].any(), "and so do both cells"
    assert not mask[100:, 108:].any()
    assert mask[:10].all()
    assert mask[64:95].all()


async def test_other_words_replace_them_and_none_takes_them_back(house: House):
    panel = await open_panel(house)
    await say_words(house, panel, "red")
    red = await shown(panel.response)
    await say_words(house, panel, "blue")
    assert labels(panel.response)[-3] == say("region-words-picked", words="blue")
    assert (np.abs(await shown(panel.response) - red).max(2) > 60).any()
    nothing = await say_words(house, panel, "green")
    assert nothing.followups[-1].content == say("error-words-nothing", words="green")
    assert nothing.followups[-1].ephemeral
    assert labels(panel.response)[-3] == say("region-words-picked", words="blue"), "as before"
    _ = house.env.errors
    await say_words(house, panel, "")
    assert labels(panel.response)[-3] == WORDS
    refused = await house.max.click(panel.response, label=DRAW)
    assert line(refused) == say("error-region-none")
    await say_words(house, panel, "red")
    await toggle(house, panel, CLEAR)
    assert labels(panel.response)[-3] == WORDS


async def test_words_and_cells_are_known_after_a_restart(house: House):
    panel = await open_panel(house)
    await toggle(house, panel, "20")
    await say_words(house, panel, "the red hat")
    await toggle(house, panel, INVERT)
    before = await shown(panel.response)
    await restart(house)
    await toggle(house, panel, ROWS)
    await house.settle()
    assert labels(panel.response)[-3] == say("region-words-picked", words="the red hat")
    assert np.array_equal(await shown(panel.response), before)
    await restart(house)
    opened = await house.max.click(panel.response, label=DRAW)
    await house.max.submit_modal(opened, {"prompt": "a hat"})
    await house.settle()
    mask = np.asarray(picture(house.executor.requests[1].mask)) > 0
    assert not mask[20:44, 20:60].any()
    assert mask[64:95].all()


async def restart(house: House) -> None:
    """Forget what only memory holds, and end the process."""
    await house.app.get(Finding).close()
    fresh = Finding()
    house.app.provide(fresh)
    house.app.provide(Panels(fresh))


def answered(house: House) -> int:
    return sum(one.responded for one in house.env.backend.interactions.values())


async def test_presses_count_and_are_answered_while_words_are_looked_for(house: House, monkeypatch):
    panel = await open_panel(house)
    await say_words(house, panel, "red")
    wire, place = Wire(house.env), Place(house.channel, house.guild, ())
    job = await house.job(1)
    message = copy.copy(wire.message(house.channel.id, panel.response.id))
    await restart(house)
    finding, pressed = house.app.get(Finding), ("2", "8", "13")
    find, before, in_time = finding.levels, answered(house), []

    async def find_late(*asked):
        async with asyncio.timeout(20):
            while answered(house) < before + len(pressed):  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)
        in_time.append(asked)
        return await find(*asked)

    monkeypatch.setattr(finding, "levels", find_late)

    async def at_once() -> None:
        """Do not wait for what the bot does: all are pressed before it is done with the first."""

    wire._env = SimpleNamespace(backend=house.env.backend, settle=at_once)

    async def press(tool: str) -> None:
        data = {"custom_id": str(RegionId.of(job, 0, tool)), "component_type": BUTTON}
        await wire.send(place, house.max, COMPONENT, data, on=message, around={})

    for tool in pressed:
        await press(tool)
    await house.settle()
    assert in_time
    assert chosen(panel.response) == [
        "3", "9", "14", say("region-words-picked", words="red")
    ]  # fmt: skip


async def test_who_may_draw_no_more_has_nothing_looked_at(house: House):
    panel = await open_panel(house)
    await say_words(house, panel, "red")
    await restart(house)
    await house.morgan.slash(house.channel, "mod block", person=house.max, duration="1h")
    refused = await house.max.click(panel.response, label="3")
    await house.settle()
    assert says(refused.followups[-1].content, "error-blocked")
    assert not house.app.get(Finding).running


async def test_other_words_are_picked_all_but_them_as_well(house: House):
    panel = await open_panel(house)
    await say_words(house, panel, "red")
    await toggle(house, panel, INVERT)
    await say_words(house, panel, "red, a blue box")
    opened = await house.max.click(panel.response, label=DRAW)
    await house.max.submit_modal(opened, {"prompt": "a hat"})
    await house.settle()
    mask = np.asarray(picture(house.executor.requests[1].mask)) > 0
    assert not mask[20:44, 20:60].any()
    assert mask[0].all()


async def test_a_picture_that_is_all_of_it_leaves_nothing(house: House, monkeypatch):
    whole = io.BytesIO()
    tiny.boxes(128, 128, red=(0, 0, 127, 127)).save(whole, "PNG")
    monkeypatch.setattr("tests.fakes.png", lambda *_: whole.getvalue())
    panel = await open_panel(house)
    await say_words(house, panel, "red")
    opened = await house.max.click(panel.response, label=DRAW)
    refused = await house.max.submit_modal(opened, {"prompt": "a hat"})
    assert line(refused).startswith(say("error-region-all"))
    _ = house.env.errors
    result = await edit(house, whole.getvalue(), mask_words="red", private=True)
    assert (
        "black where the picture is to stay" in (result.followups or [result.response])[-1].content
    )
    assert len(house.executor.requests) == 1
    assert house.env.errors


async def test_a_feather_has_bounds(house: House):
    panel = await open_panel(house)
    await toggle(house, panel, "1")
    opened = await house.max.click(panel.response, label=DRAW)
    refused = await house.max.submit_modal(opened, {"prompt": "a hat", "feather": "65"})
    assert "`feather` must be 0 to 64" in line(refused)


def test_a_file_s_name_and_description_say_all_of_a_region():
    region = Region(0b11, rows=True, inverted=True, words="the hat")
    assert Region.from_file_name(region.file_name, "the hat") == region
    assert not Region.from_file_name(region.file_name).inverted, "without words there is nothing"
    sent = RegionId(9_223_372_036_854_775_807, 3, "f" * 16, "words")
    assert len(f"{sent}:{'9' * 20}") <= 100
    assert Region(ALL).pressed("invert") == Region()
    assert not Region().pressed("invert").inverted
    assert WORDS_LENGTH <= 1024, "as long as a file's description may be"

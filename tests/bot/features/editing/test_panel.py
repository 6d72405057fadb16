"""Picking a region inside Discord: the panel, its buttons, its form, and who may use them."""

import copy
import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from bot.db.records import Kind, Status
from bot.features.editing.finding import Finding
from bot.features.editing.panel import Panels
from bot.features.editing.region import ALL, CELLS, FEATHERS, TEMPLATE, Region, RegionId, sketch
from bot.texts import say
from bot.ui.cooldowns import PICKS
from tests.bot.conftest import House, labels
from tests.bot.features.editing.test_around import line, picture, single
from tests.bot.features.history.looking import looks, reply
from tests.fakes import png
from tests.storm.cast import Place
from tests.storm.wire import BUTTON, COMPONENT, Wire

TOOLS = [
    say("region-rows"),
    say("region-invert"),
    say("region-feather", pixels="16"),
    say("region-clear"),
    say("region-draw"),
]


async def open_panel(house: House, message=None, person=None):
    message = message or await single(house)
    return await (person or house.max).click(message, label=say("button-edit-region"))


async def toggle(house: House, panel, *presses: str, person=None):
    for label in presses:
        await (person or house.max).click(panel.response, label=label)
        await house.env.advance_time(1)
    return panel.response


def chosen(message) -> list[str]:
    return [
        one["label"] for row in message.components for one in row["components"] if one["style"] == 1
    ]


async def shown(message) -> np.ndarray:
    (file,) = message.attachments
    return np.asarray(Image.open(io.BytesIO(await file.read())).convert("RGB")).astype(int)


async def test_the_panel_is_a_picture_with_a_grid_and_a_button_a_cell(house: House):
    panel = await open_panel(house)
    assert panel.ephemeral
    assert panel.response.content == say("region-panel")
    assert labels(panel.response) == [*(str(cell + 1) for cell in range(CELLS)), *TOOLS]
    assert [len(row["components"]) for row in panel.response.components] == [5] * 5
    assert (await shown(panel.response)).shape == (128, 128, 3)
    assert chosen(panel.response) == []


async def test_a_press_redraws_the_panel_at_once_and_only_that_cell(house: House):
    panel = await open_panel(house)
    before = await shown(panel.response)
    message = await toggle(house, panel, "8")
    assert chosen(message) == ["8"]
    assert message.id == panel.response.id, "it is edited in place"
    changed = np.abs(await shown(message) - before).max(2) > 60
    rows, columns = np.flatnonzero(changed.any(1)), np.flatnonzero(changed.any(0))
    assert 32 <= rows[0] <= 40 < 56 <= rows[-1] < 64, "the second row"
    assert 51 <= columns[0] <= 58 < 69 <= columns[-1] < 77, "the third column"
    assert chosen(await toggle(house, panel, "8")) == []


async def test_whole_rows_invert_feather_and_clear(house: House):
    panel = await open_panel(house)
    message = await toggle(house, panel, TOOLS[0], "7")
    assert chosen(message) == ["6", "7", "8", "9", "10", TOOLS[0]]
    message = await toggle(house, panel, TOOLS[0], "6", TOOLS[1])
    assert chosen(message) == [*map(str, range(1, 7)), *map(str, range(11, 21))]
    for pixels in (32, 64, 0, 8, 16):
        earlier = next(one for one in labels(panel.response) if "Feather" in one)
        message = await toggle(house, panel, earlier)
        assert say("region-feather", pixels=str(pixels)) in labels(message)
    assert chosen(await toggle(house, panel, TOOLS[3])) == []


async def test_the_form_makes_a_job_that_draws_over_what_was_picked(house: House):
    message = await single(house)
    panel = await open_panel(house, message)
    await toggle(house, panel, TOOLS[0], "1", "16")
    opened = await house.max.click(panel.response, label=TOOLS[4])
    assert opened.modal is not None
    await house.max.submit_modal(opened, {"prompt": "a hat", "strength": "0.9"})
    await house.settle()
    _, request = house.executor.requests
    assert (request.prompt, request.strength, request.feather) == ("a hat", 0.9, 16)
    assert (request.num_images, request.width, request.height) == (4, 128, 128)
    assert request.seed != 7
    mask = np.asarray(picture(request.mask))
    assert mask.shape == (128, 128)
    assert (mask[:32] == 255).all()
    assert (mask[32:96] == 0).all()
    assert (mask[96:] == 255).all()
    (stored,) = await house.pictures.of_job(1)
    assert request.image == await house.pictures.read(stored), "the picture itself"
    job = await house.job(2)
    assert (job.kind, job.status, job.origin.person_id) == (Kind.INPAINT, Status.DONE, house.max.id)
    assert (job.parent_id, job.parent_index) == (1, 0)
    answer = house.channel.history()[-1]
    assert say("job-edit", number="1") in answer.content


async def test_the_form_is_filled_with_the_picture_s_own_prompt(house: House):
    panel = await open_panel(house)
    await toggle(house, panel, "1")
    opened = await house.max.click(panel.response, label=TOOLS[4])
    inputs = {
        row["component"]["custom_id"]: row["component"]["value"]
        for row in opened.modal["components"]
    }
    assert inputs == {"prompt": "a red apple", "strength": "1"}


async def test_a_typed_second_pass_is_meant_and_a_default_one_is_not(house: House):
    await house.max.slash(house.channel, "settings set", hires=2)
    panel = await open_panel(house, await single(house, hires=1))
    await toggle(house, panel, "1")
    for prompt, scale in (("a hat", None), ("a hat --hires 1.5", 1.5)):
        opened = await house.max.click(panel.response, label=TOOLS[4])
        await house.max.submit_modal(opened, {"prompt": prompt, "strength": "1"})
        await house.settle()
        request = house.executor.requests[-1]
        assert (request.hires and request.hires.scale) == scale
    edited = house.channel.history()[-1]
    opened = await house.max.click(edited, label=say("button-remix"))
    await house.max.submit_modal(opened, {"prompt": "a cap"})
    await house.settle()
    assert house.executor.requests[-1].hires.scale == 1.5


async def test_nothing_or_everything_is_no_region(house: House):
    panel = await open_panel(house)
    refused = await house.max.click(panel.response, label=TOOLS[4])
    assert line(refused) == say("error-region-none")
    await toggle(house, panel, TOOLS[1])
    refused = await house.max.click(panel.response, label=TOOLS[4])
    assert line(refused) == say("error-region-all")
    assert len(house.executor.requests) == 1


async def test_quick_presses_add_up(house: House):
    panel = await open_panel(house)
    wire, place = Wire(house.env), Place(house.channel, house.guild, ())
    job = await house.job(1)
    # As it was when all of them were pressed.
    message = copy.copy(wire.message(house.channel.id, panel.response.id))
    for cell in (2, 8, 13):
        sent = RegionId.of(job, 0, str(cell))
        data = {"custom_id": str(sent), "component_type": BUTTON}
        await wire.send(place, house.max, COMPONENT, data, on=message, around={})
    assert chosen(panel.response) == ["3", "9", "14"]


async def test_a_panel_works_after_a_restart(house: House):
    panel = await open_panel(house)
    await toggle(house, panel, "2", "3")
    forget(house)
    message = await toggle(house, panel, "4")
    assert chosen(message) == ["2", "3", "4"]


def forget(house: House) -> None:
    """Forget what only memory holds, as in a restart."""
    house.app.provide(Panels(house.app.get(Finding)))


async def test_the_picture_s_file_may_be_gone(house: House, tmp_path):
    panel = await open_panel(house)
    forget(house)
    for file in (tmp_path / "pictures").rglob("*.png"):
        file.unlink()
    refused = await house.max.click(panel.response, label="1")
    assert line(refused) == say("error-picture-not-stored")


async def test_a_deleted_picture_cannot_be_edited_any_more(house: House):
    message = await single(house)
    panel = await open_panel(house, message)
    asked = await house.mia.click(message, label=say("button-delete"))
    await house.mia.click(asked.response, label=say("button-delete-for-good"))
    await house.settle()
    refused = await house.max.click(panel.response, label="1")
    assert say("error-job-removed") in line(refused)


async def test_filters_and_blocks_hold_at_the_form(house: House):
    panel = await open_panel(house)
    await toggle(house, panel, "1")
    opened = await house.max.click(panel.response, label=TOOLS[4])
    await house.morgan.slash(
        house.channel, "mod filter add", pattern="banana", kind="word", action="refuse"
    )
    refused = await house.max.submit_modal(opened, {"prompt": "a banana", "strength": ""})
    assert refused.ephemeral
    opened = await house.max.click(panel.response, label=TOOLS[4])
    await house.morgan.slash(house.channel, "mod block", person=house.max, reason="spam")
    refused = await house.max.submit_modal(opened, {"prompt": "a pear", "strength": ""})
    assert refused.ephemeral
    assert len(house.executor.requests) == 1
    refused = await open_panel(house)
    assert refused.ephemeral
    assert refused.response.attachments == []


@pytest.mark.parametrize("strength", ["0", "2", "much"])
async def test_a_strength_out_of_bounds_is_one_line(house: House, strength: str):
    panel = await open_panel(house)
    await toggle(house, panel, "1")
    opened = await house.max.click(panel.response, label=TOOLS[4])
    refused = await house.max.submit_modal(opened, {"prompt": "a hat", "strength": strength})
    assert "strength" in line(refused)
    assert "a hat" in line(refused)
    assert len(house.executor.requests) == 1


def test_masks_and_sketches_of_any_size():
    region = Region(cells=0b1 | 1 << 19)
    for width, height in ((8, 8), (33, 2048), (512, 32)):
        mask = np.asarray(Image.open(io.BytesIO(region.mask(width, height))))
        assert mask.shape == (height, width)
        assert mask[0, 0] == mask[-1, -1] == 255
        assert set(np.unique(mask)) == {0, 255}
        whole = np.asarray(Image.open(io.BytesIO(Region(ALL).mask(width, height))))
        assert (whole == 255).all(), "cells leave no gap"
    file = io.BytesIO()
    Image.new("RGB", (100, 60)).save(file, "JPEG")
    assert Image.open(io.BytesIO(sketch(file.getvalue(), region))).size == (100, 60)


async def test_a_press_changes_no_button_s_id(house: House):
    panel = await open_panel(house)
    before = custom_ids(panel.response)
    assert custom_ids(await toggle(house, panel, "8", TOOLS[0], TOOLS[1], TOOLS[2])) == before


def custom_ids(message) -> list[str]:
    return [one["custom_id"] for row in message.components for one in row["components"]]


def test_the_file_s_name_says_all_of_a_region():
    region = Region(0xABCDE, rows=True, feather=len(FEATHERS) - 1)
    assert Region.from_file_name(region.file_name) == region
    for name in ("", "region.jpg", "region-fffff-4-0.jpg", "region-fffff-1-9.jpg", "a fox.png"):
        assert Region.from_file_name(name) == Region()
    sent = RegionId(9_223_372_036_854_775_807, 3, "f" * 16, "feather")
    assert len(str(sent)) <= 100
    match = TEMPLATE.fullmatch(str(sent))
    assert match is not None
    assert RegionId.from_match(match) == sent
    assert region.pressed("nonsense") == region
    assert replace(region, cells=0).pressed("invert").cells == ALL
    assert PICKS >= CELLS


async def test_moderators_see_source_mask_and_result(house: House):
    panel = await open_panel(house)
    await toggle(house, panel, "1")
    opened = await house.max.click(panel.response, label=TOOLS[4])
    await house.max.submit_modal(opened, {"prompt": "a hat", "strength": "1"})
    await house.settle()
    page = reply(await looks(house, job=2))
    message = reply(await house.morgan.select(page, values=["2"]))
    assert message.embeds[0].title == "#2 inpaint"
    files = {file.filename: file for file in message.attachments}
    assert list(files) == ["job-2.webp", "source-1-of-job-2.webp", "mask-2-of-job-2.webp"]
    mask = Image.open(io.BytesIO(await files["mask-2-of-job-2.webp"].read())).convert("L")
    assert mask.getpixel((5, 5)) > 250
    assert mask.getpixel((100, 100)) < 5
    source = Image.open(io.BytesIO(await files["source-1-of-job-2.webp"].read())).convert("RGB")
    drawn = picture(png(7, 1, 1)).getpixel((0, 0))
    assert np.abs(np.subtract(source.getpixel((5, 5)), drawn)).max() < 8

"""The buttons under a single picture that draw around it, and Hires."""

import io

import numpy as np
import pytest
from PIL import Image

from bot.db.records import InputRole, Kind, Status
from bot.texts import say
from generation.hires import Hires
from tests.bot.conftest import EDITING, KEEPING, PANS, ZOOMS, House, labels
from tests.fakes import png

SQUARE = say("button-make-square")
SIDE = 128


async def single(house: House, **options):
    options = {"prompt": "a red apple", "seed": 7, "count": 1, **options}
    result = await house.mia.slash(house.channel, "imagine", **options)
    await house.settle()
    return result.response


def line(result) -> str:
    """The one line that only one person got."""
    assert result.ephemeral
    return result.response.content


async def press(house: House, message, label: str, person=None):
    clicked = await (person or house.max).click(message, label=label)
    await house.settle()
    return clicked.response


def picture(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def white(data: bytes) -> tuple[int, int, int, int]:
    """The box around what a mask keeps."""
    mask = picture(data)
    assert mask.mode == "L"
    kept = np.asarray(mask) == 0
    rows, columns = np.flatnonzero(kept.any(1)), np.flatnonzero(kept.any(0))
    return columns[0], rows[0], columns[-1] + 1, rows[-1] + 1


async def test_a_single_picture_has_its_rows(house: House):
    message = await single(house)
    making = ["U1", say("button-reroll"), "V1", say("button-remix")]
    assert labels(message) == [*making, *EDITING, *KEEPING]
    assert [len(row["components"]) for row in message.components] == [2, 2, 4, 5, 4]
    several = await single(house, count=2)
    assert not set(labels(several)) & set(EDITING)


async def test_one_that_is_not_square_fills_five_rows_of_five(house: House):
    message = await single(house, aspect="landscape")
    rows = [[one["label"] for one in row["components"]] for row in message.components]
    assert rows[2:4] == [[*ZOOMS, SQUARE], [*PANS, say("button-hires")]]
    assert len(rows) == 5


@pytest.mark.parametrize("factor", [2, 1.5])
async def test_zooming_out_is_a_job_around_a_smaller_picture(house: House, factor: float):
    message = await single(house)
    answer = await press(house, message, say("button-zoom-out", factor=f"{factor:g}"))
    job = await house.job(2)
    assert (job.kind, job.status, job.origin.person_id) == (
        Kind.OUTPAINT,
        Status.DONE,
        house.max.id,
    )
    assert (job.parent_id, job.parent_index, job.words.prompt) == (1, 0, "a red apple")
    _, request = house.executor.requests
    assert (request.width, request.height, request.num_images) == (SIDE, SIDE, 4)
    assert (request.strength, request.feather) == (1.0, 8)
    assert request.seed != 7
    left, top, right, bottom = white(request.mask)
    inner = round(SIDE / factor)
    assert right - left == bottom - top == pytest.approx(inner - 16, abs=2)
    assert picture(request.image).getpixel((SIDE // 2, SIDE // 2)) == picture(
        png(7, 1, 1)
    ).getpixel((0, 0))
    assert len(answer.attachments) == 4
    assert say("job-around", number="1") in answer.content
    assert [one.role for one in job.inputs] == [InputRole.MASK]
    assert await house.pictures.read_source(job.inputs[0].sha256) == request.mask


@pytest.mark.parametrize(
    ("way", "size", "kept"),
    [
        ("left", (192, 128), (72, 0, 192, 128)),
        ("right", (192, 128), (0, 0, 120, 128)),
        ("up", (128, 192), (0, 72, 128, 192)),
        ("down", (128, 192), (0, 0, 128, 120)),
    ],
)
async def test_panning_adds_half_of_the_picture_on_one_side(
    house: House, way: str, size: tuple[int, int], kept: tuple[int, int, int, int]
):
    await press(house, await single(house), say(f"button-pan-{way}"))
    _, request = house.executor.requests
    assert (request.width, request.height) == size
    assert picture(request.image).size == size
    assert white(request.mask) == kept


async def test_make_square_draws_what_is_missing(house: House):
    await press(house, await single(house, aspect="landscape"), SQUARE)
    first, request = house.executor.requests
    assert first.width > first.height
    assert request.width == request.height == first.width


async def test_custom_zoom_asks_for_the_factor_and_the_prompt(house: House):
    message = await single(house)
    opened = await house.max.click(message, label=say("button-custom-zoom"))
    assert opened.modal is not None
    typed = {"prompt": "an apple in the snow --no people", "zoom": "3"}
    await house.max.submit_modal(opened, typed)
    await house.settle()
    _, request = house.executor.requests
    assert (request.prompt, request.negative_prompt) == ("an apple in the snow", "people")
    left, _, right, _ = white(request.mask)
    assert right - left == pytest.approx(SIDE / 3 - 16, abs=2)
    opened = await house.mia.click(message, label=say("button-custom-zoom"))
    refused = await house.mia.submit_modal(opened, typed | {"zoom": "9"})
    assert "must be 1.1 to 4" in line(refused)
    assert "an apple in the snow" in line(refused), "nothing typed is lost"


async def test_an_edit_can_be_edited_again_and_again(house: House):
    message = await single(house)
    for number in range(2, 5):
        message = await press(house, message, say("button-pan-right"))
        job = await house.job(2 * number - 2)
        assert job.kind is Kind.OUTPAINT
        message = await press(house, message, "U2")
        assert (await house.job(2 * number - 1)).kind is Kind.UPSCALE
    widths = [one.width for one in house.executor.requests]
    assert widths == [128, 192, 192, 288, 288, 432, 432]
    edits = [one for one in house.executor.requests if getattr(one, "mask", None)]
    upscaled = await house.pictures.of_job(3)
    assert [one.width for one in upscaled] == [384]
    assert picture(edits[1].image).size == (288, 128), "it starts from what was upscaled"


async def test_a_canvas_beyond_the_bounds_is_one_private_line(house: House):
    message = await single(house, aspect="wide", hires=4)
    for _ in range(8):
        clicked = await house.max.click(message, label=say("button-pan-right"))
        await house.settle()
        if clicked.ephemeral:
            break
        message = await press(house, clicked.response, "U1")
    assert "must be 32 to 2048 px; this canvas would have" in line(clicked)


async def test_hires_draws_the_same_picture_with_a_second_pass(house: House):
    message = await single(house)
    answer = await press(house, message, say("button-hires"))
    first, second = house.executor.requests
    assert (second.seed, second.num_images) == (first.seed, 1)
    assert second.hires == Hires(2.0, 0.5)
    assert "256×256" in answer.content
    assert say("settings-hires", hires="2") in answer.content
    assert say("button-hires") not in labels(answer)
    job = await house.job(2)
    assert (job.kind, job.parent_id, job.size) == (Kind.HIRES, 1, (256, 256))


async def test_hires_of_an_edit_or_an_upscale_starts_from_the_picture(house: House):
    message = await single(house)
    upscaled = await press(house, message, "U1")
    await press(house, upscaled, say("button-hires"))
    request = house.executor.requests[-1]
    assert (request.width, request.height, request.strength) == (256, 256, 0.5)
    assert (request.hires, request.feather) == (None, None)
    assert picture(request.image).size == (256, 256)


async def test_an_edit_is_rerolled_and_remixed_with_its_mask(house: House):
    message = await single(house)
    edited = await press(house, message, PANS[0])
    await press(house, edited, say("button-reroll"))
    opened = await house.max.click(edited, label=say("button-remix"))
    await house.max.submit_modal(opened, {"prompt": "a pear"})
    await house.settle()
    first, again, remixed = house.executor.requests[1:]
    assert again.seed != first.seed
    for one in (again, remixed):
        assert (one.mask, one.image, one.feather) == (first.mask, first.image, first.feather)
        assert (one.width, one.height) == (192, 128)
    assert remixed.prompt == "a pear"
    opened = await house.max.click(edited, label=say("button-remix"))
    refused = await house.max.submit_modal(opened, {"prompt": "a pear --ar 1:1"})
    assert say("bound-shape-masked") in line(refused)


async def test_a_variation_of_an_edit_draws_over_all_of_it(house: House):
    edited = await press(house, await single(house), PANS[0])
    await press(house, edited, "V2")
    request = house.executor.requests[-1]
    assert (request.feather, request.mask, request.strength) == (None, None, 0.6)
    assert (await house.job(3)).inputs == ()


async def test_what_was_drawn_can_be_upscaled_after_its_files_are_gone(house: House, tmp_path):
    edited = await press(house, await single(house), PANS[0])
    (stored, *_) = await house.pictures.of_job(2)
    for file in (tmp_path / "pictures").rglob(f"{stored.sha256}.png"):
        file.unlink()
    await press(house, edited, "U1")
    again = house.executor.requests[-2]
    assert (again.seed, again.feather) == (house.executor.requests[1].seed, 8)
    assert again.mask == house.executor.requests[1].mask

"""/edit and /outpaint: a person's own picture and mask."""

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw

from bot.db.records import InputRole, Kind, Status
from bot.texts import say
from generation.hires import Hires
from tests.bot.conftest import House
from tests.bot.features.editing.test_around import picture, white


def photo(width: int = 128, height: int = 128, kind: str = "PNG") -> bytes:
    """A picture of which no two rows are the same."""
    pixels = np.indices((height, width)).sum(0) % 256
    return saved(Image.fromarray(pixels.astype(np.uint8)).convert("RGB"), kind)


def saved(image: Image.Image, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


def boxed(width: int, height: int, box, mode: str = "L", ground=0, inside=255) -> bytes:
    image = Image.new(mode, (width, height), ground)
    ImageDraw.Draw(image).rectangle(box, fill=inside)
    return saved(image)


MASK = boxed(128, 128, (32, 32, 63, 63))


async def edit(house: House, image: bytes, mask: bytes | None = None, **options):
    options = {"prompt": "a hat", **options}
    if mask is not None:
        options["mask"] = ("mask.png", mask)
    result = await house.mia.slash(house.channel, "edit", image=("cat.png", image), **options)
    await house.settle()
    return result


async def outpaint(house: House, image: bytes, **options):
    options = {"prompt": "a hat", **options}
    result = await house.mia.slash(house.channel, "outpaint", image=("cat.png", image), **options)
    await house.settle()
    return result


def boxes(data: bytes) -> list[int]:
    drawn = np.asarray(picture(data)) > 0
    rows, columns = np.flatnonzero(drawn.any(1)), np.flatnonzero(drawn.any(0))
    assert drawn[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()
    return [columns[0], rows[0], columns[-1], rows[-1]]


async def test_white_is_redrawn_and_the_mask_is_kept(house: House):
    result = await edit(house, photo(), MASK, strength=0.8, feather=4)
    (request,) = house.executor.requests
    assert (request.prompt, request.strength, request.feather) == ("a hat", 0.8, 4)
    assert (request.width, request.height) == (128, 128)
    assert np.array_equal(np.asarray(picture(request.image)), np.asarray(picture(photo())))
    assert boxes(request.mask) == [32, 32, 63, 63]
    job = await house.job(1)
    assert (job.kind, job.status, job.parent_id) == (Kind.INPAINT, Status.DONE, None)
    assert [one.role for one in job.inputs] == [InputRole.MASK]
    assert job.left_out is None
    assert len(result.response.attachments) == 4


@pytest.mark.parametrize(
    ("what", "mask"),
    [
        ("a mask that is erased", boxed(128, 128, (32, 32, 63, 63), "RGBA", "red", (0, 0, 0, 0))),
        ("a layer that is painted", boxed(128, 128, (32, 32, 63, 63), "RGBA", (0,) * 4, "white")),
        ("colours", boxed(128, 128, (32, 32, 63, 63), "RGB", "navy", "yellow")),
    ],
)
async def test_alpha_and_colours_count(house: House, what: str, mask: bytes):
    await edit(house, photo(), mask)
    (request,) = house.executor.requests
    assert boxes(request.mask) == [32, 32, 63, 63], what


async def test_transparent_parts_of_the_picture_itself_are_redrawn(house: House):
    image = picture(photo()).convert("RGBA")
    image.paste((0, 0, 0, 0), (0, 0, 128, 64))
    await edit(house, saved(image))
    (request,) = house.executor.requests
    assert boxes(request.mask) == [0, 0, 127, 63]
    assert picture(request.image).mode == "RGB"


async def test_a_mask_of_another_size_is_fitted_and_that_is_said(house: House):
    result = await edit(house, photo(), boxed(256, 256, (64, 64, 127, 127)))
    (request,) = house.executor.requests
    assert boxes(request.mask) == [32, 32, 63, 63]
    assert say("left-out-mask-size", was="256×256", now="128×128") in result.response.content


@pytest.mark.parametrize(
    ("mask", "bound"),
    [
        (boxed(128, 128, (0, 0, 127, 127)), "bound-mask-full"),
        (boxed(128, 128, (0, 0, 1, 1), inside=0), "bound-mask-empty"),
        (b"not a picture at all", "bound-image-file"),
        (None, "bound-mask-given"),
    ],
)
async def test_a_mask_that_is_none_is_one_private_line(house: House, mask, bound: str, tmp_path):
    result = await edit(house, photo(), mask)
    said = house.refusal(result)
    assert said.startswith("`mask` must be ")
    assert say(bound).split("{")[0] in said
    assert "\n" not in said.split("\n>>>")[0]
    assert house.executor.requests == []
    assert not list((tmp_path / "pictures").rglob("*.png")), "nothing of it is kept"


@pytest.mark.parametrize(
    ("size", "drawn"),
    [
        ((160, 120), (160, 120)),
        ((1200, 900), (144, 112)),
        ((20, 30), (104, 160)),
        ((131, 125), (128, 128)),
    ],
)
async def test_a_picture_is_drawn_in_its_own_size_or_near_the_checkpoint_s(
    house: House, size: tuple[int, int], drawn: tuple[int, int]
):
    await edit(house, photo(*size), boxed(*size, (0, 0, size[0] // 2, size[1] - 1)))
    (request,) = house.executor.requests
    assert (request.width, request.height) == drawn
    assert picture(request.image).size == picture(request.mask).size == drawn


async def test_options_can_be_typed(house: House):
    await edit(house, photo(), MASK, prompt="a hat --n 1 --steps 7 --no people")
    (request,) = house.executor.requests
    assert (request.num_images, request.num_inference_steps) == (1, 7)
    assert request.negative_prompt == "people"


async def test_a_typed_second_pass_draws_over_the_same_part(house: House):
    result = await edit(house, photo(), MASK, prompt="a hat --hires 2 --n 1")
    (request,) = house.executor.requests
    assert (request.hires, request.feather) == (Hires(2.0, 0.5), 8)
    assert request.second_pass.feather == 16
    assert "256×256" in result.response.content
    await outpaint(house, photo(), prompt="a hat --hires 1.5", right=64)
    assert house.executor.requests[1].result_size == (288, 192)
    result = await edit(house, photo(160, 128), MASK, prompt="a hat --hires 4 --n 1")
    assert house.executor.requests[2].result_size == (640, 512)


async def test_a_default_second_pass_is_for_whole_pictures(house: House):
    await house.mia.slash(house.channel, "settings set", hires=2)
    await edit(house, photo(), MASK)
    (request,) = house.executor.requests
    assert (request.hires, request.feather) == (None, 8)


async def test_outpaint_adds_pixels_on_the_sides(house: House):
    result = await outpaint(house, photo(), left=64, bottom=32)
    (request,) = house.executor.requests
    assert (request.width, request.height, request.strength) == (192, 160, 1.0)
    assert white(request.mask) == (72, 0, 192, 120)
    inside = np.asarray(picture(request.image))[:128, 64:]
    assert np.array_equal(inside, np.asarray(picture(photo())))
    assert (await house.job(1)).kind is Kind.OUTPAINT
    assert len(result.response.attachments) == 4


async def test_outpaint_zooms_out(house: House):
    await outpaint(house, photo(160, 120), zoom=2)
    (request,) = house.executor.requests
    assert (request.width, request.height) == (160, 120)
    left, top, right, bottom = white(request.mask)
    assert (right - left, bottom - top) == (64, 44)


async def test_pixels_count_in_the_file_s_own_size(house: House):
    await outpaint(house, photo(1280, 1280), right=640)
    (request,) = house.executor.requests
    assert (request.width, request.height) == (192, 128)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "`zoom` must be given, or else pixels"),
        ({"zoom": 2, "left": 64}, "`zoom` must be given, or else pixels"),
        ({"left": 2048}, "`width` must be 32 to 2048 px"),
    ],
)
async def test_a_canvas_that_cannot_be_is_one_private_line(house: House, options, said: str):
    result = await outpaint(house, photo(), **options)
    assert said in house.refusal(result)
    assert house.executor.requests == []


async def test_a_private_edit_is_shown_to_nobody_else(house: House):
    result = await edit(house, photo(), MASK, private=True)
    assert result.ephemeral
    assert (await house.job(1)).origin.private

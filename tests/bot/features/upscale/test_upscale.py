"""/upscale: a person's own picture, larger."""

import io

import pytest
from PIL import Image

from bot.db.records import Kind, Status
from bot.texts import say
from generation.request import UpscaleRequest
from generation.source_image import MAX_BYTES
from tests.bot.conftest import KEEPING, House, labels
from tests.fakes import png
from tests.texts import says


def picture(width: int, height: int, kind: str = "JPEG", **look) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), (200, 10, 10)).save(file, kind, **look)
    return file.getvalue()


async def upscale(house: House, content: bytes, person=None, **options):
    result = await (person or house.mia).slash(
        house.channel, "upscale", image=("cat.jpg", content), **options
    )
    await house.settle()
    return result


async def test_a_picture_of_any_size_becomes_larger(house: House):
    result = await upscale(house, picture(50, 33))
    (request,) = house.executor.requests
    assert isinstance(request, UpscaleRequest)
    assert (request.width, request.height, request.factor) == (50, 33, 2)
    source = Image.open(io.BytesIO(request.image))
    assert (source.format, source.size, source.mode) == ("PNG", (50, 33), "RGB")
    assert result.response.content == (
        f"**an uploaded picture** — <@{house.mia.id}> (×2)\n-# 100×66"
    )
    (file,) = result.response.attachments
    assert await file.read() == png(0, 100, 66)
    assert (file.filename, file.description) == ("darkroom-1-1-0.png", say("uploaded-picture"))
    assert labels(result.response) == ["×4", *KEEPING]
    job = await house.job(1)
    assert (job.kind, job.status, job.factor, job.parent_id) == (Kind.UPSCALE, Status.DONE, 2, None)
    assert (job.words.prompt, job.request.checkpoint) == ("", "")
    assert await house.pictures.read_source(job.source_sha256) == request.image


async def test_it_is_turned_as_its_camera_was_and_four_times_as_large(house: House):
    sideways = Image.Exif()
    sideways[0x0112] = 6
    result = await upscale(house, picture(50, 20, exif=sideways), factor=4)
    assert (house.executor.requests[0].width, house.executor.requests[0].factor) == (20, 4)
    assert result.response.content.endswith("(×4)\n-# 80×200")
    assert labels(result.response) == KEEPING


async def test_the_larger_one_can_be_enlarged_once_more_even_without_its_file(
    house: House, tmp_path
):
    result = await upscale(house, picture(40, 40))
    first = await house.max.click(result.response, label="×4")
    await house.settle()
    (stored,) = await house.pictures.of_job(1)
    (file,) = (tmp_path / "pictures").rglob(f"{stored.sha256}.png")
    file.unlink()
    second = await house.max.click(result.response, label="×4")
    await house.settle()
    assert [(one.width, one.factor) for one in house.executor.requests] == [
        (40, 2),
        (80, 2),
        (40, 4),
    ]
    for clicked in (first, second):
        assert "-# 160×160" in clicked.response.content
    assert (await house.job(2)).origin.person_id == house.max.id


async def test_it_may_be_private(house: House):
    result = await upscale(house, picture(40, 40), private=True)
    assert result.ephemeral
    assert len(result.response.attachments) == 1
    assert (await house.job(1)).origin.private


@pytest.mark.parametrize(
    ("content", "options", "line"),
    [
        (
            b"not a picture",
            {},
            say("error-invalid", field="image", bound=say("bound-image-file")),
        ),
        (
            picture(64, 64)[:200],
            {},
            say("error-invalid", field="image", bound=say("bound-image-file")),
        ),
        (
            picture(64, 64, "GIF"),
            {},
            say("error-invalid", field="image", bound=say("bound-image-other", found="GIF")),
        ),
        (
            bytes(MAX_BYTES + 1),
            {},
            say("error-invalid", field="image", bound=say("bound-file", most="10")),
        ),
        (
            picture(2049, 200),
            {},
            say("error-invalid", field="image", bound=say("bound-image-upscale", most="2048")),
        ),
        (picture(1025, 200), {"factor": 4}, "`factor` must be 2 for 1025 × 200 px"),
    ],
)
async def test_what_cannot_be_enlarged_gets_a_private_line_and_no_job(
    house: House, content: bytes, options: dict, line: str
):
    assert house.refusal(await upscale(house, content, **options)).startswith(line)
    assert await house.jobs.get(1) is None


@pytest.mark.parametrize("action", ["reroll", "vary:0", "subtle:0", "remix"])
async def test_nothing_is_drawn_from_no_words(house: House, action: str):
    result = await upscale(house, picture(40, 40))
    stored = house.env.backend.get_message(house.channel.id, result.response.id)
    stored.components[0]["components"][0]["custom_id"] = f"job:1:{action}"
    clicked = await house.mia.click(result.response, custom_id=f"job:1:{action}")
    assert clicked.ephemeral
    assert says(clicked.response.content, "error-no-words")


async def test_lists_and_details_call_it_by_what_it_is(house: House):
    result = await upscale(house, picture(40, 40))
    (entry,) = (await house.mia.slash(house.channel, "history")).response.embeds
    assert entry.description == say("uploaded-picture")
    clicked = await house.max.click(result.response, label=say("button-details"))
    (embed,) = (clicked.followups[0] if clicked.followups else clicked.response).embeds
    assert embed.description == say("uploaded-picture")
    assert {field.name: field.value for field in embed.fields} == {
        say("details-by"): f"<@{house.mia.id}>",
        say("parameter.aspect"): "80×80 (from 40×40)",
        say("details-device-time"): "1.2 s",
    }


async def test_it_counts_as_waiting_and_a_restart_takes_it_up(house: House):
    house.executor.hold = True
    for _ in range(3):
        await upscale(house, picture(40, 40))
    refused = await upscale(house, picture(40, 40))
    assert says(house.refusal(refused), "error-waiting", waiting=3)
    queue = await house.mia.slash(house.channel, "queue")
    assert "you: an uploaded picture" in queue.response.content

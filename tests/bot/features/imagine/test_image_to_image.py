import io

import pytest
from PIL import Image

from bot.core.errors import FileUnavailable
from bot.db.records import Kind, Status
from bot.texts import say
from generation.source_image import MAX_BYTES
from tests.bot.conftest import House, labels
from tests.fakes import png


def picture(width: int, height: int, kind: str = "JPEG") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), (200, 10, 10)).save(file, kind)
    return file.getvalue()


def upload(content: bytes) -> tuple[str, bytes]:
    return "cat.jpg", content


async def test_pictures_start_from_an_attached_one(house: House):
    result = await house.mia.slash(
        house.channel,
        "imagine",
        prompt="a red apple",
        aspect="wide",
        image=upload(picture(300, 400)),
        strength=0.5,
    )
    await house.settle()
    (request,) = house.executor.requests
    assert request.strength == 0.5
    source = Image.open(io.BytesIO(request.image))
    assert (source.format, source.size, source.mode) == ("PNG", (168, 96), "RGB")
    assert "strength 0.5" in result.response.content
    assert (await house.job(1)).status is Status.DONE


async def test_without_a_strength_it_is_three_quarters(house: House):
    image = upload(picture(64, 64))
    await house.mia.slash(house.channel, "imagine", prompt="a", image=image)
    await house.settle()
    assert house.executor.requests[0].strength == 0.75


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"strength": 0.5}, say("bound-strength-alone")),
        (
            {"image": b"not a picture"},
            say("error-invalid", field="image", bound=say("bound-image-file")),
        ),
        (
            {"image": picture(64, 64)[:200]},
            say("error-invalid", field="image", bound=say("bound-image-file")),
        ),
        (
            {"image": picture(4, 400)},
            say("error-invalid", field="image", bound=say("bound-image-aspect", most="20")),
        ),
        (
            {"image": bytes(MAX_BYTES + 1)},
            say("error-invalid", field="image", bound=say("bound-file", most="10")),
        ),
        (
            {"image": picture(64, 64), "strength": 0.02},
            say("bound-strength-steps", least=0.05, steps="20"),
        ),
    ],
)
async def test_a_bad_source_gets_a_private_line_and_no_job(house: House, options, line):
    if "image" in options:
        options = {**options, "image": upload(options["image"])}
    result = await house.mia.slash(house.channel, "imagine", prompt="a", **options)
    assert line in house.refusal(result)
    assert await house.jobs.get(1) is None


async def test_variations_start_from_the_stored_picture(house: House):
    result = await house.mia.slash(house.channel, "imagine", prompt="a red apple", seed=7)
    await house.settle()
    clicked = await house.max.click(result.response, label="V2")
    await house.settle()
    assert len(clicked.response.attachments) == 4
    assert "variation of 2" in clicked.response.content
    request = house.executor.requests[1]
    assert request.image == png(8)
    assert request.strength == 0.6
    assert request.seed != 7
    job = await house.job(2)
    assert (job.kind, job.parent_id, job.parent_index) == (Kind.VARIATION, 1, 1)
    assert job.origin.person_id == house.max.id

    await house.mia.click(clicked.response, label=say("button-reroll"))
    await house.settle()
    again = house.executor.requests[2]
    assert (again.image, again.strength) == (png(8), 0.6)
    assert again.seed != request.seed


@pytest.mark.parametrize(
    ("label", "strength"), [(say("button-vary-subtle"), 0.35), (say("button-vary-strong"), 0.7)]
)
async def test_an_enlarged_picture_is_varied_in_the_size_it_was_drawn_in(
    house: House, label: str, strength: float
):
    result = await house.mia.slash(
        house.channel, "imagine", prompt="a red apple", seed=7, aspect="wide"
    )
    await house.settle()
    enlarged = await house.mia.click(result.response, label="U2")
    await house.settle()
    clicked = await house.max.click(enlarged.response, label=label)
    await house.settle()
    assert len(clicked.response.attachments) == 4
    request = house.executor.requests[2]
    assert (request.strength, request.num_images) == (strength, 4)
    assert request.image == png(8, 168, 96)
    assert (request.width, request.height) == (168, 96)
    job = await house.job(3)
    assert (job.kind, job.parent_id, job.parent_index) == (Kind.VARIATION, 2, 0)
    assert job.origin.person_id == house.max.id
    assert await house.pictures.read_source(job.source_sha256) == png(8, 168, 96)


async def test_few_steps_are_varied_by_one_at_least(house: House):
    result = await house.mia.slash(house.channel, "imagine", prompt="a red apple", steps=2)
    await house.settle()
    enlarged = await house.mia.click(result.response, label="U1")
    await house.settle()
    await house.mia.click(enlarged.response, label=say("button-vary-subtle"))
    await house.settle()
    assert house.executor.requests[2].strength == 0.5


async def test_a_variation_of_a_pruned_picture_is_refused(house: House, tmp_path):
    result = await house.mia.slash(house.channel, "imagine", prompt="a red apple")
    await house.settle()
    for file in (tmp_path / "pictures").rglob("*.png"):
        file.unlink()
    clicked = await house.mia.click(result.response, label="V1")
    assert clicked.ephemeral
    assert "not stored any more" in clicked.response.content


async def test_a_question_that_cannot_be_answered_yes_to_has_no_buttons_left(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    asked = await house.mia.slash(
        house.channel, "imagine", prompt="a {red,blue} hat", image=upload(picture(300, 400))
    )
    yes = labels(asked.response)[0]

    async def late(*_: object) -> bytes:
        raise FileUnavailable("it came too late")

    monkeypatch.setattr("bot.features.imagine.confirmation.fetch", late)
    refused = await house.mia.click(asked.response, label=yes)
    assert house.refusal(refused) == "it came too late"
    assert labels(asked.response) == []
    assert house.executor.requests == []

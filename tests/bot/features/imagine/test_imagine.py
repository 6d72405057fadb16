import asyncio
from collections.abc import AsyncGenerator, Iterable

import discord
import pytest

from bot.core.admission.request_context import RequestContext
from bot.core.errors import QueueFull, QuotaReached
from bot.db.records import Job, Kind, Origin, Status
from bot.options.image_options import ImageOptions
from bot.texts import say
from generation.errors import OutOfMemory
from generation.request import Event, Progress, Request, Started
from tests.bot.conftest import KEEPING, House, labels
from tests.fakes import RecordingExecutor, png
from tests.texts import says

MAKING = ["U1", "U2", "U3", "U4", say("button-reroll"), "V1", "V2", "V3", "V4", say("button-remix")]


async def test_a_prompt_becomes_four_pictures_in_one_message(house: House):
    result = await house.mia.slash(house.channel, "imagine", prompt="a red apple", seed=7)
    await house.settle()

    message = result.response
    assert "a red apple" in message.content
    assert "Emoji · 128×128 · 20 steps · DPM++ 2M Karras · guidance 4 · seed 7" in (
        message.content.replace("\\", "")
    )
    assert labels(message) == [*MAKING, *KEEPING]
    assert [file.description for file in message.attachments] == [
        f"a red apple (picture {place} of 4)" for place in (1, 2, 3, 4)
    ]
    assert [await file.read() for file in message.attachments] == [png(7 + i) for i in range(4)]

    job = await house.job(1)
    assert job.status is Status.DONE
    assert job.kind is Kind.IMAGINE
    assert job.message_id == message.id
    assert job.origin.guild_id == house.guild.id
    assert job.origin.channel_id == house.channel.id
    assert job.origin.person_id == house.mia.id
    assert job.origin.token is None, "a token is forgotten when its job ends"
    assert job.device_seconds == 1.25
    assert job.queued_at <= job.started_at <= job.ended_at
    stored = await house.pictures.of_job(1)
    assert [picture.seed for picture in stored] == [7, 8, 9, 10]
    assert await house.pictures.read(stored[0]) == png(7)


async def test_options_reach_the_request(house: House):
    await house.mia.slash(
        house.channel,
        "imagine",
        prompt="a fish",
        negative_prompt="water",
        aspect="wide",
        count=2,
        steps=5,
        guidance_scale=1.0,
        seed=3,
        sampler="Euler",
        checkpoint="Emoji",
    )
    await house.settle()
    request = house.executor.requests[0]
    assert (request.negative_prompt, request.num_images) == ("water", 2)
    assert (request.num_inference_steps, request.guidance_scale) == (5, 1.0)
    assert (request.width, request.height) == (168, 96)
    assert str(request.sampler) == "Euler"
    assert request.seed == 3


async def test_without_a_seed_chance_picks_one(house: House):
    for _ in range(2):
        await house.mia.slash(house.channel, "imagine", prompt="a fish")
        await house.settle()
    first, second = house.executor.requests
    assert first.seed != second.seed


async def test_the_message_shows_place_bar_and_preview(house: House):
    house.executor.hold = True
    first = await house.mia.slash(house.channel, "imagine", prompt="a red apple", steps=10)
    assert say("job-starting") in first.response.content
    second = await house.max.slash(house.channel, "imagine", prompt="a pear")
    third = await house.morgan.slash(house.channel, "imagine", prompt="a plum")
    assert says(second.response.content, "job-queued", number=1)
    assert says(third.response.content, "job-queued", number=2)
    assert labels(second.response) == [say("button-cancel")]

    house.executor.let_go(5)
    await house.settle()
    assert says(first.response.content, "job-progress", step="5", steps="10")
    assert "▰▰▰▰▰▰▱▱▱▱▱▱" in first.response.content
    assert [file.filename for file in first.response.attachments] == ["preview.webp"]

    house.executor.let_go(5)
    await house.settle()
    assert len(first.response.attachments) == 4
    assert says(third.response.content, "job-queued", number=1)


class Slow(RecordingExecutor):
    """Tells that a request began only with its first step, as a worker does."""

    async def run(self, request: Request) -> AsyncGenerator[Event, None]:
        yield Started()
        yield Progress(1, request.num_inference_steps, None, seconds=8.0)
        await self.wait(asyncio.Event().wait())


@pytest.mark.parametrize("executor", [Slow()])
async def test_the_first_step_already_tells_how_long_the_others_take(house: House):
    result = await house.mia.slash(house.channel, "imagine", prompt="a red apple", steps=10)
    await house.settle()
    left = say("duration.minutes", minutes=1, seconds=12)
    assert says(result.response.content, "job-progress", step="1", steps="10", left=left)


async def test_a_prompt_never_pings(house: House):
    result = await house.mia.slash(
        house.channel, "imagine", prompt=f"@everyone <@{house.max.id}> **bold**"
    )
    await house.settle()
    allowed = house.allowed_mentions(result.response)
    assert [allowed.everyone, *allowed.users, *allowed.roles] == [False]
    message = result.response.message
    assert not message.mention_everyone
    assert "\\*\\*bold\\*\\*" in message.content


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"prompt": "   "}, say("error-invalid", field="prompt", bound="1 to 10000 characters")),
        (
            {"checkpoint": "gone"},
            say("error-checkpoint", reason="not in the catalog, which has Emoji"),
        ),
        ({"seed": 2**32 - 1}, say("error-invalid", field="seed", bound="0 to 4294967292")),
    ],
)
async def test_bad_options_get_a_private_line_and_no_job(house: House, options, line):
    result = await house.mia.slash(house.channel, "imagine", **{"prompt": "a", **options})
    assert house.refusal(result) == line
    assert await house.jobs.get(1) is None


async def test_checkpoints_complete(house: House):
    choices = await house.mia.autocomplete(house.channel, "imagine", "checkpoint", "emo")
    assert [choice["name"] for choice in choices] == ["Emoji"]
    choices = await house.mia.autocomplete(house.channel, "imagine", "checkpoint", "xyz")
    assert choices == []


async def test_samplers_complete_to_what_the_checkpoint_offers(house: House):
    choices = await house.mia.autocomplete(house.channel, "imagine", "sampler", "euler")
    assert [choice["value"] for choice in choices] == ["Euler", "Euler a"]
    choices = await house.mia.autocomplete(house.channel, "imagine", "sampler", "lcm")
    assert choices == [], "this checkpoint is not distilled for it"
    refused = await house.mia.slash(house.channel, "imagine", prompt="a", sampler="LCM")
    assert "`sampler` must be one of DDIM" in house.refusal(refused)


async def test_a_checkpoint_that_must_be_loaded_is_announced(house: House):
    house.executor.loads = True
    house.executor.hold = True
    result = await house.mia.slash(house.channel, "imagine", prompt="a red apple")
    assert say("job-loading", checkpoint="Emoji", percent=0) in result.response.content
    house.executor.let_go()
    await house.settle()
    assert len(result.response.attachments) == 4


async def test_a_failure_is_one_line_in_the_message(house: House):
    house.executor.error = OutOfMemory("CUDA out of memory, 3 GiB wanted")
    result = await house.mia.slash(house.channel, "imagine", prompt="a red apple")
    await house.settle()
    assert says(result.response.content, "error-too-large")
    assert result.response.components == []
    job = await house.job(1)
    assert (job.status, job.error) == (Status.FAILED, "CUDA out of memory, 3 GiB wanted")
    assert job.device_seconds == 0.5


async def test_one_person_may_only_have_so_much_waiting(house: House):
    house.executor.hold = True
    for _ in range(3):
        await house.mia.slash(house.channel, "imagine", prompt="a red apple")
    refused = await house.mia.slash(house.channel, "imagine", prompt="a red apple")
    assert says(house.refusal(refused), "error-waiting", waiting=3)
    assert not (await house.max.slash(house.channel, "imagine", prompt="a pear")).ephemeral


async def test_a_burst_does_not_slip_past_the_limit(house: House):
    house.executor.hold = True
    answers = await at_once(house, [house.mia.id] * 20)
    assert sum(isinstance(answer, Job) for answer in answers) == 3
    assert sum(isinstance(answer, QuotaReached) for answer in answers) == 17


async def test_a_burst_of_many_people_does_not_overfill_the_queue(house: House):
    house.executor.hold = True
    answers = await at_once(house, range(1, 31))
    assert sum(isinstance(answer, Job) for answer in answers) == 20
    assert sum(isinstance(answer, QueueFull) for answer in answers) == 10


async def at_once(house: House, people: Iterable[int]) -> list[Job | BaseException]:
    """Return what each of these people gets who all ask at the same moment."""

    def asked(number: int, person_id: int) -> RequestContext:
        origin = Origin(
            interaction_id=number,
            token=None,
            person_id=person_id,
            person_name="somebody",
            channel_id=house.channel.id,
            guild_id=house.guild.id,
            asked_at=house.env.now(),
        )
        return RequestContext(origin)

    options = ImageOptions(prompt="a")
    asking = [house.app.jobs.imagine(options, asked(*one)) for one in enumerate(people)]
    return await asyncio.gather(*asking, return_exceptions=True)


async def test_missing_permissions_are_named_before_any_work(house: House):
    gallery = house.guild.create_text_channel(
        "no-files",
        overwrites={house.bot.user: discord.PermissionOverwrite(attach_files=False)},
    )
    result = await house.mia.slash(gallery, "imagine", prompt="a red apple")
    assert house.refusal(result) == say("error-not-allowed-here", missing="Attach Files")
    assert house.executor.requests == []

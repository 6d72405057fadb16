"""What a server's rules do to commands and buttons."""

import asyncio
from datetime import UTC, datetime

import pytest

from bot.core.admission.request_context import RequestContext
from bot.core.admission.rule_store import Strictness
from bot.core.audit_store import NewAuditEntry
from bot.core.errors import QuotaReached
from bot.db.records import Job, Origin, Status
from bot.options.image_options import ImageOptions
from bot.texts import say
from tests.bot.conftest import House
from tests.texts import says


async def rule(house: House, channel_id: int = 0, **changes: object) -> None:
    entry = NewAuditEntry(guild_id=house.guild.id, moderator_id=1, action="config", detail="")
    await house.rules.change({channel_id: changes}, entry)


async def test_only_in_some_channels(house: House):
    studio = house.guild.create_text_channel("studio")
    await rule(house, allowed=False)
    await rule(house, studio.id, allowed=True)
    refused = await house.mia.slash(house.channel, "imagine", prompt="a fox")
    assert house.refusal(refused) == (say("error-place-elsewhere", channels=f"<#{studio.id}>"))
    allowed = house.allowed_mentions(refused.response)
    assert (allowed.everyone, allowed.users, allowed.roles) == (False, frozenset(), frozenset())
    assert await house.jobs.get(1) is None
    await house.mia.slash(studio, "imagine", prompt="a fox")
    assert (await house.job(1)).origin.channel_id == studio.id


async def test_only_some_roles(house: House):
    artists = house.guild.create_role("Artists")
    await rule(house, allowed_roles=(artists.id,))
    refused = await house.mia.slash(house.channel, "imagine", prompt="a fox")
    assert house.refusal(refused) == (say("error-role-needed", roles=f"<@&{artists.id}>"))
    arno = house.guild.add_member(house.env.create_user("arno"), roles=[artists])
    posted = await arno.slash(house.channel, "imagine", prompt="a fox", count=1)
    await house.settle()
    # Buttons are no way around it.
    clicked = await house.mia.click(posted.response, label=say("button-reroll"))
    assert says(clicked.response.content, "error-role-needed")
    assert await house.jobs.get(2) is None


async def test_what_is_left_out_comes_from_the_rules_within_their_bounds(house: House):
    await rule(house, steps=12, guidance_scale=5.0, aspect="wide", max_count=2)
    await rule(house, house.channel.id, steps=9, sampler="Heun")
    await house.mia.slash(house.channel, "imagine", prompt="a fox")
    request = (await house.job(1)).request
    assert (request.num_inference_steps, request.guidance_scale) == (9, 5.0)
    assert (request.sampler, request.num_images) == ("Heun", 2)
    assert request.width > request.height
    await house.mia.slash(
        house.channel, "imagine", prompt="a fox --steps 7", aspect="tall", count=1
    )
    request = (await house.job(2)).request
    assert (request.num_inference_steps, request.num_images) == (7, 1)
    assert request.width < request.height


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (
            {"steps": 31},
            say("error-invalid", field="steps", bound=say("bound-most", most="30")),
        ),
        (
            {"count": 3},
            say("error-invalid", field="count", bound=say("bound-most", most="2")),
        ),
        (
            {"aspect": "wide"},
            say(
                "error-invalid",
                field="size",
                bound=say("bound-side", most="128"),
            ),
        ),
    ],
)
async def test_bounds_are_named(house: House, options: dict[str, object], line: str):
    await rule(house, max_steps=30, max_count=2, max_side=128)
    refused = await house.mia.slash(house.channel, "imagine", prompt="a fox", **options)
    assert house.refusal(refused) == line
    assert await house.jobs.get(1) is None


async def test_buttons_keep_to_the_bounds(house: House):
    posted = await house.mia.slash(house.channel, "imagine", prompt="a fox", count=4)
    await house.settle()
    await rule(house, max_count=2, max_side=200)
    refused = await house.mia.click(posted.response, label="U1")
    assert "`size` must be at most 200 pixels" in refused.response.content
    refused = await house.mia.click(posted.response, label=say("button-reroll"))
    assert "`count` must be at most 2" in refused.response.content
    await house.mia.click(posted.response, label="V1")
    assert (await house.job(2)).request.num_images == 2


async def test_the_negative_prompt_that_is_always_added(house: House):
    await rule(house, negative_prompt="gore, blood")
    posted = await house.mia.slash(
        house.channel, "imagine", prompt="a fox", negative_prompt="text", count=1
    )
    await house.settle()
    assert (await house.job(1)).request.negative_prompt == "text, gore, blood"
    await house.mia.click(posted.response, label=say("button-reroll"))
    assert (await house.job(2)).request.negative_prompt == "text, gore, blood"
    refused = await house.mia.slash(
        house.channel, "imagine", prompt="a fox --no " + "y" * 5000, negative_prompt="x" * 4990
    )
    assert "at most 9987 characters here" in house.refusal(refused)


async def test_pictures_are_checked_as_strictly_as_the_place_wants(house: House):
    adult = house.guild.create_text_channel("adult")
    house.bot.get_channel(adult.id).nsfw = True  # as Discord says it is
    await rule(house, age_restricted=Strictness.ALLOW, refuse_above=0.6)
    await house.mia.slash(house.channel, "imagine", prompt="a fox", count=1)
    await house.mia.slash(adult, "imagine", prompt="a fox", count=1)
    jobs = [await house.job(number) for number in (1, 2)]
    assert [(job.spoiler_above, job.refuse_above) for job in jobs] == [(0.2, 0.6), (None, None)]


async def test_a_quota_counts_every_kind_of_job_and_buttons_of_others(house: House):
    await rule(house, pictures_per_day=4)
    posted = await house.mia.slash(house.channel, "imagine", prompt="a fox", count=2)
    await house.settle()
    await house.mia.click(posted.response, label="U1")
    await house.settle()
    refused = await house.mia.click(posted.response, label=say("button-reroll"))
    assert says(refused.response.content, "error-quota-pictures", used=3, limit=4)
    assert "this would be 2 more" in refused.response.content
    await house.max.click(posted.response, label=say("button-reroll"))
    assert (await house.job(3)).origin.person_id == house.max.id


async def test_a_burst_does_not_slip_past_a_quota(house: House):
    await rule(house, pictures_per_day=4)
    house.executor.hold = True
    asked = (
        RequestContext(
            Origin(number, "token", house.mia.id, "mia", 3, house.guild.id, datetime.now(UTC))
        )
        for number in range(3)
    )
    jobs = house.app.jobs
    made = (jobs.imagine(ImageOptions(prompt="x", count=2), one) for one in asked)
    results = await asyncio.gather(*made, return_exceptions=True)
    made_of = sorted(type(one).__name__ for one in results)
    assert made_of == [Job.__name__, Job.__name__, QuotaReached.__name__]


async def test_a_servers_own_lower_limit_queues_and_does_not_refuse(house: House):
    house.app.jobs.queue._dispatcher._running_per_person = 3
    house.executor.capacity, house.executor.hold = 100, True
    await rule(house, running_at_once=1)
    for _ in range(2):
        await house.mia.slash(house.channel, "imagine", prompt="x", count=1)
    elsewhere = house.env.create_guild("Elsewhere")
    there = elsewhere.create_text_channel("darkroom")
    await elsewhere.add_member(house.mia_user).slash(there, "imagine", prompt="y", count=1)
    jobs = [await house.job(number) for number in (1, 2, 3)]
    assert [job.status for job in jobs] == [Status.RUNNING, Status.QUEUED, Status.RUNNING]


async def test_in_direct_messages_no_servers_rules_hold(house: House):
    await rule(house, allowed=False, pictures_per_day=0)
    await house.mia_user.slash("imagine", prompt="a fox", count=1)
    assert (await house.job(1)).origin.guild_id is None


async def test_what_is_always_added_is_never_said_to_be_the_person_s_words(house: House):
    await rule(house, negative_prompt="gore, blood")
    result = await house.mia.slash(
        house.channel, "imagine", prompt="a fox", negative_prompt="text", count=1, seed=7
    )
    await house.settle()
    assert "-# without: text\n" in result.response.content
    for label in (say("button-reroll"), "U1"):
        await house.max.click(result.response, label=label)
        await house.settle()
    opened = await house.max.click(result.response, label=say("button-remix"))
    sent = {
        row["component"]["custom_id"]: row["component"].get("value", "")
        for row in opened.modal["components"]
    }
    await house.max.submit_modal(opened, sent)
    await house.settle()
    for number in range(1, 5):
        job = await house.job(number)
        assert job.request.negative_prompt == "text, gore, blood"
        assert (job.style, job.words.negative_prompt) == (None, "text")
    assert (await house.job(4)).request == (await house.job(1)).request
    found = await house.mia.slash(house.channel, "history", word="gore")
    assert found.response.embeds == []

"""/settings: a person's own defaults, and what is left of their day."""

import json
import sqlite3
from pathlib import Path

import pytest

from bot.core.audit_store import NewAuditEntry
from bot.db.database import FILE_NAME
from bot.options.image_options import ImageOptions
from bot.texts import say
from tests.bot.conftest import House


async def rule(house: House, **changes: object) -> None:
    entry = NewAuditEntry(guild_id=house.guild.id, moderator_id=1, action="config", detail="")
    await house.rules.change({0: changes}, entry)


def text(result) -> str:
    assert result.ephemeral
    return result.response.embeds[0].description


async def test_own_defaults_go_before_the_servers_and_after_what_is_said(house: House):
    await rule(house, steps=40, guidance_scale=9.0)
    result = await house.mia.slash(
        house.channel, "settings set", steps=30, sampler="heun", negative_prompt="*text*", count=1
    )
    assert "`steps` **30**" in text(result)
    assert r"`negative_prompt` **\*text\***" in text(result)
    await house.mia.slash(house.channel, "imagine", prompt="a fox --sampler ddim")
    request = (await house.job(1)).request
    assert (request.num_inference_steps, request.guidance_scale) == (30, 9.0)
    assert (request.sampler, request.negative_prompt) == ("DDIM", "*text*")
    await house.mia.slash(house.channel, "imagine", prompt="x", steps=5, negative_prompt="y")
    request = (await house.job(2)).request
    assert (request.num_inference_steps, request.negative_prompt) == (5, "y")
    await house.max.slash(house.channel, "imagine", prompt="x")
    assert (await house.job(3)).request.num_inference_steps == 40


async def test_in_direct_messages_too(house: House):
    await house.mia.slash(house.channel, "settings set", steps=30)
    shown = await house.mia_user.slash("settings show")
    assert "`steps` **30**" in text(shown)
    assert "today" not in text(shown)
    await house.mia_user.slash("imagine", prompt="x")
    assert (await house.job(1)).request.num_inference_steps == 30


async def test_a_default_beyond_a_bound_is_named(house: House):
    await rule(house, max_steps=20)
    await house.mia.slash(house.channel, "settings set", steps=30)
    refused = await house.mia.slash(house.channel, "imagine", prompt="x")
    assert house.refusal(refused) == (
        say(
            "error-invalid",
            field="steps",
            bound=say("bound-default", most="20", yours="30"),
        )
    )
    await house.mia.slash(house.channel, "imagine", prompt="x", steps=20)
    assert (await house.job(1)).request.num_inference_steps == 20


async def test_one_is_taken_back_or_all(house: House):
    await house.mia.slash(house.channel, "settings set", steps=30, count=2)
    result = await house.mia.slash(house.channel, "settings reset", setting="steps")
    assert "`steps` –" in text(result)
    assert await house.app.defaults.get(house.mia.id) == ImageOptions(count=2)
    await house.mia.slash(house.channel, "settings reset", setting="everything")
    assert await house.app.defaults.get(house.mia.id) == ImageOptions()


@pytest.mark.parametrize("field", ["checkpoint", "style", "sampler"])
async def test_what_is_not_there_is_named(house: House, field: str):
    refused = await house.mia.slash(house.channel, "settings set", **{field: "gone"})
    assert field in house.refusal(refused)
    assert await house.app.defaults.get(house.mia.id) == ImageOptions()


async def test_what_is_left_of_the_day(house: House):
    free = await house.mia.slash(house.channel, "settings show")
    assert say("quota-free", used=0) in text(free)
    await rule(house, pictures_per_day=50, seconds_per_day=600)
    await house.mia.slash(house.channel, "imagine", prompt="x", count=3)
    await house.settle()
    shown = await house.mia.slash(house.channel, "settings show")
    assert say("quota-seconds", used=3, limit="50 pictures today · 1 of 600") in text(shown)
    queue = await house.mia.slash(house.channel, "queue")
    assert "3 of 50 pictures today" in queue.response.content


async def test_they_are_exported_and_erased(house: House, tmp_path: Path):
    await house.mia.slash(house.channel, "settings set", negative_prompt="very private")
    exported = await house.mia.slash(house.channel, "privacy export")
    kept = json.loads(await exported.response.attachments[0].read())
    assert kept["defaults"] == {"negative_prompt": "very private"}
    question = await house.mia.slash(house.channel, "privacy erase")
    await house.mia.click(question.response, label=say("button-erase"))
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    assert "very private" not in " ".join(connection.iterdump())
    connection.close()


async def test_private_by_default_until_something_else_is_said(house: House):
    result = await house.mia.slash(house.channel, "settings set", private=True)
    assert "`private` **yes**" in text(result)
    for options, private in (({}, True), ({"private": False}, False)):
        asked = {"prompt": "a {red, blue} fox --n 1", **options}
        question = await house.mia.slash(house.channel, "imagine", **asked)
        made = await house.mia.click(question.response, label=say("question-yes", jobs=2))
        await house.settle()
        assert made.ephemeral is private
    assert [(await house.job(n)).origin.private for n in range(1, 5)] == [True, True, False, False]
    (shown, _) = house.channel.history()
    again = await house.mia.click(shown, label=say("button-reroll"))
    assert not again.ephemeral, "what is made of something that all see, all see"


async def test_numbers_that_a_remix_leaves_out_are_filled_in_like_a_new_wish(house: House):
    await house.mia.slash(house.channel, "imagine", prompt="a fox", count=1, private=True)
    await house.settle()
    made = await house.max.slash(house.channel, "imagine", prompt="a cat", count=1)
    await house.settle()
    await rule(house, max_steps=12, guidance_scale=9.0)
    await house.mia.slash(house.channel, "settings set", negative_prompt="text", style="Portrait")

    async def remixed(**fields: str):
        opened = await house.mia.click(made.response, label=say("button-remix"))
        await house.mia.submit_modal(opened, {"prompt": "a cat", **fields})
        await house.settle()
        return house.executor.requests[-1]

    request = await remixed(steps="", guidance_scale="")
    assert (request.num_inference_steps, request.guidance_scale) == (12, 9.0)
    assert (request.prompt, request.negative_prompt) == ("a cat", ""), "its words are all said"
    await house.mia.slash(house.channel, "settings set", steps=7)
    assert (await remixed(steps="")).num_inference_steps == 7

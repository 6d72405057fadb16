"""Prompts from other programs and from phones, through the command: what is drawn and told."""

import pytest

from bot.texts import say
from tests.bot.conftest import House


async def ask(house: House, prompt: str, **options: object):
    return await house.mia.slash(house.channel, "imagine", prompt=prompt, **options)


async def test_what_was_left_out_stands_below_the_pictures_and_in_details(house: House):
    result = await ask(house, "a red fox, <lora:ink:0.8> [cat:dog:0.5] --v 6 ——seed 7")
    await house.settle()
    (request,) = house.executor.requests
    assert (request.prompt, request.seed) == ("a red fox, cat", 7)
    left_out = "--v 6, <lora:ink:0.8>, [cat:dog:0.5]"
    assert (await house.job(1)).left_out == left_out
    line = next(one for one in result.response.content.splitlines() if "lora" in one)
    assert line.startswith("-# " + say("job-left-out", words="")[:10])
    assert all(piece in line.replace("\\", "") for piece in ("--v 6", "ink:0.8", "cat:dog:0.5"))
    details = await house.mia.click(result.response, label="Details")
    (embed,) = details.response.embeds
    (field,) = [one for one in embed.fields if one.name == say("details-left-out")]
    assert field.value.replace("\\", "") == left_out


async def test_generation_data_of_the_web_ui_makes_its_picture(house: House):
    await ask(
        house,
        "a red fox Negative prompt: blurry Steps: 12, Sampler: Euler a, CFG scale: 6, Seed: 12345,"
        " Size: 512x768, Model: elsewhere, Clip skip: 2",
    )
    await house.settle()
    (request,) = house.executor.requests
    assert (request.prompt, request.negative_prompt) == ("a red fox", "blurry")
    assert (request.num_inference_steps, request.guidance_scale) == (12, 6.0)
    assert (request.sampler, request.seed) == ("Euler a", 12345)
    assert request.width < request.height
    assert "Clip skip: 2" in ((await house.job(1)).left_out or "")


async def test_wildcards_ask_before_several_jobs_are_made(house: House):
    question = await ask(house, "{red|blue} fox --n 1")
    assert question.response.content.splitlines()[1:] == ["- red fox", "- blue fox"]


@pytest.mark.parametrize(
    ("prompt", "line"),
    [
        ("a fox --seed abc", "you wrote `--seed abc`"),
        ("a fox —ar 21:9", "you wrote `--ar 21:9`"),
        ("a fox (very:12)", "“very” weighs 12. Write `\\(`"),
        ("a {red, blue fox", "look at `a {red, blue fox`"),
        ("\u200b\u200f", "`prompt` must be"),
        ("<lora:x:1>", "`prompt` must be"),
    ],
)
async def test_a_refusal_quotes_what_is_wrong(house: House, prompt: str, line: str):
    assert line in house.refusal(await ask(house, prompt))
    assert await house.jobs.get(1) is None

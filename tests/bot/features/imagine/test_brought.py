"""Prompts from other programs and from phones, through the command: what is drawn and told."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.core.discord_limits import FORM_TEXT_LENGTH, TEXT_OPTION_LENGTH
from bot.db.database import FILE_NAME
from bot.texts import say
from generation.request import PROMPT_LENGTH
from tests.bot.conftest import House
from tests.generation.metadata import files as made


async def ask(house: House, prompt: str, **options: object):
    return await house.mia.slash(house.channel, "imagine", prompt=prompt, **options)


async def test_what_was_left_out_stands_below_the_pictures_and_in_details(house: House):
    result = await ask(house, "a red fox, <hypernet:ink:0.8> [cat:dog:0.5] --v 6 ——seed 7")
    await house.settle()
    (request,) = house.executor.requests
    assert (request.prompt, request.seed) == ("a red fox, [cat:dog:0.5]", 7)
    left_out = "--v 6, <hypernet:ink:0.8>"
    assert (await house.job(1)).left_out == left_out
    line = next(one for one in result.response.content.splitlines() if "hypernet" in one)
    assert line.startswith("-# " + say("job-left-out", words="")[:10])
    assert all(piece in line.replace("\\", "") for piece in ("--v 6", "ink:0.8"))
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
    assert "Clip skip 2" in ((await house.job(1)).left_out or "")


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
        ("<hypernet:x:1>", "`prompt` must be"),
    ],
)
async def test_a_refusal_quotes_what_is_wrong(house: House, prompt: str, line: str):
    assert line in house.refusal(await ask(house, prompt))
    assert await house.jobs.get(1) is None


LEFT_OUT = "--v 6, <hypernet:ink:0.8>"


async def test_what_was_left_out_is_said_again_of_what_is_made_of_the_same_words(house: House):
    first = await ask(house, "a red fox, <hypernet:ink:0.8> --v 6 --n 1")
    await house.settle()
    line = first.response.content.splitlines()[-1]
    assert "hypernet" in line
    for label in (say("button-reroll"), "V1"):
        made = await house.mia.click(first.response, label=label)
        await house.settle()
        assert line in made.response.content.splitlines()
    enlarged = await house.mia.click(first.response, label="U1")
    await house.settle()
    assert "hypernet" not in enlarged.response.content, "of whose words nothing is drawn"
    assert [(await house.job(number)).left_out for number in (2, 3, 4)] == [
        LEFT_OUT,
        LEFT_OUT,
        None,
    ]


async def test_what_was_left_out_is_exported_and_erased(house: House, tmp_path: Path):
    await ask(house, "a red fox, <hypernet:ink:0.8> --v 6")
    await house.settle()
    exported = await house.mia.slash(house.channel, "privacy export")
    (file,) = exported.response.attachments
    assert [job["left_out"] for job in json.loads(await file.read())["jobs"]] == [LEFT_OUT]
    question = await house.mia.slash(house.channel, "privacy erase")
    await house.mia.click(question.response, label=say("button-erase"))
    assert (await house.job(1)).left_out is None
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as connection:
        assert "hypernet" not in " ".join(connection.iterdump())


LONGEST = ("a red fox in the snow, " * 300)[: TEXT_OPTION_LENGTH - 1] + "!"


async def test_the_longest_prompt_that_can_be_typed_is_drawn_shown_and_remixed(house: House):
    result = await ask(house, LONGEST, negative_prompt=LONGEST, steps=9)
    await house.settle()
    (request,) = house.executor.requests
    assert (request.prompt, request.negative_prompt) == (LONGEST, LONGEST)
    opened = await house.mia.click(result.response, label=say("button-remix"))
    fields = [row["component"]["custom_id"] for row in opened.modal["components"] if "label" in row]
    assert fields == ["seed", "guidance_scale", "steps"]
    notes = [row["content"] for row in opened.modal["components"] if "content" in row]
    assert notes == [
        say("form-too-long", name=say(name), length=TEXT_OPTION_LENGTH, most=FORM_TEXT_LENGTH)
        for name in ("form-prompt", "form-negative-prompt")
    ]
    await house.mia.submit_modal(opened, {"seed": "5", "guidance_scale": "", "steps": "9"})
    await house.settle()
    remix = house.executor.requests[-1]
    assert (remix.prompt, remix.negative_prompt) == (LONGEST, LONGEST)
    assert (remix.seed, remix.num_inference_steps) == (5, 9)
    for label in (say("button-reroll"), "V1", say("button-details")):
        await house.mia.click(result.response, label=label)
        await house.settle()
    assert {one.prompt for one in house.executor.requests} == {LONGEST}


async def test_a_long_prompt_is_found_and_exported_whole(house: House):
    await ask(house, LONGEST)
    await house.settle()
    found = await house.mia.slash(house.channel, "history")
    assert "a red fox in the snow" in found.response.content or found.response.embeds
    exported = await house.mia.slash(house.channel, "privacy export")
    (file,) = exported.response.attachments
    assert [job["prompt"] for job in json.loads(await file.read())["jobs"]] == [LONGEST]


@pytest.mark.parametrize("length", [TEXT_OPTION_LENGTH + 1, PROMPT_LENGTH])
async def test_a_file_may_say_more_than_anybody_could_type(house: House, length: int):
    prompt = ("a red fox in the snow, " * 1000)[: length - 1] + "!"
    content = made.with_texts(parameters=f"{prompt}\nSteps: 12, Sampler: Euler, Seed: 7")
    result = await house.mia.slash(house.channel, "inspect", image=("x.png", content))
    await house.mia.click(result.response, label=say("button-use-these"))
    await house.settle()
    assert house.executor.requests[-1].prompt == prompt


async def test_a_file_that_says_too_much_is_shown_with_the_bound(house: House):
    prompt = "a" * (PROMPT_LENGTH + 1)
    content = made.with_texts(parameters=f"{prompt}\nSteps: 12, Sampler: Euler, Seed: 7")
    result = await house.mia.slash(house.channel, "inspect", image=("x.png", content))
    (embed,) = result.response.embeds
    assert embed.footer.text == say(
        "file-no-offer", bound=say("bound-image-words", most=str(PROMPT_LENGTH))
    )


async def test_a_default_is_read_like_what_is_typed(house: House):
    await house.mia.slash(
        house.channel, "settings set", negative_prompt="embedding:bad, blur, <hypernet:x:1>"
    )
    await ask(house, "a fox")
    await house.settle()
    assert house.executor.requests[0].negative_prompt == "blur"
    assert (await house.job(1)).left_out == "<hypernet:x:1>, embedding:bad"


async def test_generation_data_may_be_pasted_into_forms(house: House):
    data = "an owl\nNegative prompt: blurry\nSteps: 12, Sampler: Euler a, Seed: 77, Clip skip: 2"
    first = await ask(house, "a fox --n 1")
    await house.settle()
    opened = await house.mia.click(first.response, label=say("button-remix"))
    await house.mia.submit_modal(opened, {"prompt": data, "negative_prompt": ""})
    message = await house.max.send(house.channel, "look", attachments=[("a.png", made.png())])
    menu = await house.mia.context_menu(house.channel, say("menu-source"), message)
    await house.mia.submit_modal(menu, {"prompt": data, "negative_prompt": "", "strength": "0.5"})
    await house.settle()
    for number, request in enumerate(house.executor.requests[1:], 2):
        assert (request.prompt, request.negative_prompt) == ("an owl", "blurry")
        assert (request.num_inference_steps, request.seed, request.sampler) == (12, 77, "Euler a")
        assert (await house.job(number)).left_out == "Clip skip 2"

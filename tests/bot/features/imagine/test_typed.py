"""Parameters and braces in the prompt of /imagine."""

import pytest

from bot.db.records import Status
from bot.texts import say
from generation.request import Sampler
from tests.bot.conftest import House, labels
from tests.fakes import png
from tests.texts import says


async def ask(house: House, prompt: str, person=None, **options):
    return await (person or house.mia).slash(house.channel, "imagine", prompt=prompt, **options)


async def test_what_is_typed_holds_over_the_options(house: House):
    result = await ask(
        house,
        "a fox --ar 3:2 --seed 7 --no text, blur --steps 12 --cfg 6 --model emo --n 1"
        " --sampler euler a",
        steps=30,
        negative_prompt="dogs",
    )
    await house.settle()
    (request,) = house.executor.requests
    assert (request.prompt, request.negative_prompt) == ("a fox", "dogs, text, blur")
    assert (request.seed, request.num_inference_steps, request.guidance_scale) == (7, 12, 6.0)
    assert (request.num_images, request.sampler) == (1, Sampler.EULER_A)
    assert request.width > request.height
    assert "--ar" not in result.response.content


@pytest.mark.parametrize(
    ("prompt", "line"),
    [
        ("a fox --sede 7", "I do not know `--sede` (did you mean `--seed`?)"),
        ("a fox --steps 1000", "`--steps` must be"),
        ("a fox --model nothing", "I cannot use that checkpoint: not in the catalog"),
        ("a fox --style noir", "`style` must be one of Portrait, In blue"),
        ("{a, b", "`prompt` must be"),
        ("a fox --repeat 9", "`--repeat` must be 1 to 8"),
        ("{a,b,c} {d,e,f}", say("error-too-many-jobs", most=8)),
    ],
)
async def test_what_makes_no_sense_is_named_and_makes_no_job(house: House, prompt: str, line: str):
    assert house.refusal(await ask(house, prompt)).startswith(line)
    assert await house.jobs.get(1) is None


async def test_several_jobs_are_made_after_a_question(house: House):
    question = await ask(house, "a {red, blue} *apple* --n 1 --seed 7")
    assert question.ephemeral
    assert question.response.content.splitlines() == [
        say("question", jobs=2),
        r"- a red \*apple\*",
        r"- a blue \*apple\*",
    ]
    assert labels(question.response) == [say("question-yes", jobs=2), "No"]
    assert await house.jobs.get(1) is None
    await house.mia.click(question.response, label=say("question-yes", jobs=2))
    await house.settle()
    assert question.response.content == say("question-made")
    assert labels(question.response) == []
    assert [request.prompt for request in house.executor.requests] == [
        "a red *apple*",
        "a blue *apple*",
    ]
    first, second = await house.job(1), await house.job(2)
    assert (first.status, second.status) == (Status.DONE, Status.DONE)
    assert first.origin.interaction_id == second.origin.interaction_id
    assert first.message_id != second.message_id
    posted = [message for message in house.channel.history() if message.attachments]
    assert len(posted) == 2
    for message in posted:
        assert [await file.read() for file in message.attachments] == [png(7)]
        assert message.components


async def test_repeats_go_on_with_the_seed(house: House):
    question = await ask(house, "a fox --repeat 2 --seed 10 --n 2")
    await house.mia.click(question.response, label=say("question-yes", jobs=2))
    await house.settle()
    assert [request.seed for request in house.executor.requests] == [10, 12]


async def test_no_makes_none(house: House):
    question = await ask(house, "a {red, blue} apple")
    await house.mia.click(question.response, label="No")
    assert question.response.content == say("question-left")
    assert await house.jobs.get(1) is None


async def test_more_than_one_may_have_waiting_is_refused_before_any_is_made(house: House):
    assert says(house.refusal(await ask(house, "{a,b,c,d}")), "error-waiting", most=3)
    question = await ask(house, "{a,b,c}")
    house.executor.hold = True
    await ask(house, "another")
    house.env.errors.clear()
    clicked = await house.mia.click(question.response, label=say("question-yes", jobs=3))
    assert says(house.refusal(clicked), "error-waiting", asked=3)
    assert await house.jobs.get(2) is None


async def test_an_old_question_takes_its_buttons_away(house: House):
    question = await ask(house, "a {red, blue} apple")
    await house.env.advance_time(301)
    assert labels(question.response) == []
    assert says(question.response.content, "question-forgotten")

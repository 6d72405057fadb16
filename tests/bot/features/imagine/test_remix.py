import io

import discord
import pytest
from PIL import Image

from bot.db.records import Kind
from bot.texts import say
from tests.bot.conftest import House, build
from tests.fakes import png


async def imagine(house: House, person=None, **options):
    options = {"prompt": r"a \{red\} apple", "seed": 7, **options}
    result = await (person or house.mia).slash(house.channel, "imagine", **options)
    await house.settle()
    return result


def filled(modal) -> dict[str, str]:
    """What the form is filled in with, by label."""
    return {row["label"]: row["component"].get("value", "") for row in modal["components"]}


def answers(modal, **changes: str) -> dict[str, str]:
    inputs = [row["component"] for row in modal["components"]]
    return {item["custom_id"]: item.get("value", "") for item in inputs} | changes


async def test_remix_opens_a_form_filled_in_and_makes_a_job_of_whoever_sends_it(house: House):
    result = await imagine(house, negative_prompt="a leaf", guidance_scale=4.5, steps=9)
    opened = await house.max.click(result.response, label=say("button-remix"))
    assert opened.modal["title"] == "Remix"
    assert filled(opened.modal) == {
        say("form-prompt"): r"a \{red\} apple",
        say("form-negative-prompt"): "a leaf",
        "Seed": "7",
        "Guidance": "4.5",
        "Steps": "9",
    }
    assert await house.jobs.get(2) is None

    sent = answers(opened.modal, prompt="a pear --ar 3:2", seed="11", steps="")
    answer = await house.max.submit_modal(opened, sent)
    await house.settle()
    assert answer.response.id != result.response.id
    assert "**a pear**" in answer.response.content
    assert len(answer.response.attachments) == 4
    job = await house.job(2)
    assert (job.kind, job.parent_id, job.origin.person_id) == (Kind.REMIX, 1, house.max.id)
    request = house.executor.requests[1]
    assert (request.prompt, request.negative_prompt, request.seed) == ("a pear", "a leaf", 11)
    assert (request.num_inference_steps, request.guidance_scale) == (20, 4.5)
    assert (request.width, request.height) == (160, 104)


async def test_an_unchanged_form_draws_the_same_again(house: House):
    result = await imagine(house)
    opened = await house.mia.click(result.response, label=say("button-remix"))
    await house.mia.submit_modal(opened, answers(opened.modal))
    await house.settle()
    first, second = house.executor.requests
    assert second == first


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {"seed": "many"},
            say("error-invalid", field="seed", bound="a whole number, 0 to 4294967295"),
        ),
        ({"guidance_scale": "99"}, say("error-invalid", field="guidance", bound="0 to 30")),
        (
            {"prompt": "{a, b}"},
            say(
                "error-invalid",
                field="prompt",
                bound=say("bound-one-prompt"),
            ),
        ),
        ({"prompt": "a --sede 3"}, "did you mean `--seed`?"),
    ],
)
async def test_errors_name_the_field_privately(house: House, changes: dict[str, str], line: str):
    result = await imagine(house)
    opened = await house.mia.click(result.response, label=say("button-remix"))
    refused = await house.mia.submit_modal(opened, answers(opened.modal, **changes))
    assert refused.ephemeral
    assert line in refused.response.content
    typed = changes.get("prompt", r"a \\{red\\} apple")
    assert refused.response.content.endswith(f"\n>>> {typed}"), "nothing typed is lost"
    assert await house.jobs.get(2) is None


async def test_a_form_opened_before_a_restart_is_taken_after_it(house: House, tmp_path, database):
    result = await imagine(house)
    opened = await house.mia.click(result.response, label=say("button-remix"))
    await house.env.restart_bot(build(tmp_path, database, house.executor))
    answer = await house.mia.submit_modal(opened, answers(opened.modal, prompt="a pear"))
    await house.settle()
    assert "**a pear**" in answer.response.content
    assert len(answer.response.attachments) == 4


async def test_a_closed_form_opens_again_at_once_and_one_sent_twice_is_one_job(house: House):
    result = await imagine(house)
    first, second = [
        await house.mia.click(result.response, label=say("button-remix")) for _ in range(2)
    ]
    assert first.modal
    assert second.modal
    assert not house.bot._connection._view_store._modals, "a form that is closed is not kept"
    for opened in (first, second):
        await house.mia.submit_modal(opened, answers(opened.modal))
    await house.settle()
    assert len(house.executor.requests) == 2


async def test_no_form_opens_where_the_pictures_could_not_be_posted(house: House):
    result = await imagine(house)
    channel = house.bot.get_channel(house.channel.id)
    await channel.set_permissions(channel.guild.me, attach_files=False)
    refused = await house.mia.click(result.response, label=say("button-remix"))
    assert refused.modal is None
    assert refused.ephemeral
    assert refused.response.content == say("error-not-allowed-here", missing="Attach Files")


async def test_a_form_is_for_a_job_of_its_own_server_only(house: House):
    await imagine(house)
    elsewhere = house.env.create_guild("Elsewhere")
    channel = elsewhere.create_text_channel("darkroom")
    eve = elsewhere.add_member(house.env.create_user("eve"))
    theirs = await eve.slash(channel, "imagine", prompt="mine")
    await house.settle()
    opened = await eve.click(theirs.response, label=say("button-remix"))
    opened._interaction.modal["custom_id"] = "job:1:remix"
    refused = await eve.submit_modal(opened, answers(opened.modal))
    assert refused.response.content.startswith(say("error-job-unknown"))


async def test_the_picture_it_started_from_stays_and_fits_the_new_shape(house: House):
    result = await imagine(house, count=1)
    varied = await house.mia.click(result.response, label="V1")
    await house.settle()
    opened = await house.mia.click(varied.response, label=say("button-remix"))
    same = answers(opened.modal, prompt="a pear")
    await house.mia.submit_modal(opened, same)
    await house.settle()
    opened = await house.mia.click(varied.response, label=say("button-remix"))
    await house.mia.submit_modal(opened, same | {"prompt": "a pear --ar 16:9"})
    await house.settle()
    _, _, kept, fitted = house.executor.requests
    assert (kept.image, kept.strength) == (png(7), 0.6)
    assert fitted.strength == 0.6
    picture = Image.open(io.BytesIO(fitted.image))
    assert (picture.size, picture.mode) == ((168, 96), "RGB")
    assert picture.getpixel((0, 0)) == (7, 0, 0)


async def test_a_remix_never_pings(house: House):
    result = await imagine(house)
    opened = await house.mia.click(result.response, label=say("button-remix"))
    answer = await house.mia.submit_modal(opened, answers(opened.modal, prompt="@everyone"))
    await house.settle()
    allowed = house.allowed_mentions(answer.response)
    assert [allowed.everyone, *allowed.users, *allowed.roles] == [False]
    assert isinstance(answer.response.message, discord.Message)

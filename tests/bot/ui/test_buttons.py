import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.db.records import Kind, Status
from bot.texts import say
from bot.ui.actions.custom_id import TEMPLATE, CustomId
from bot.ui.actions.job_actions import JOB_ACTIONS
from tests.bot.conftest import EDITING, KEEPING, House, build, labels
from tests.fakes import png
from tests.texts import says

VARY = [say("button-vary-subtle"), say("button-vary-strong")]


async def imagine(house: House, person=None, **options):
    person = person or house.mia
    options = {"prompt": "a red apple", "seed": 7, **options}
    return await person.slash(house.channel, "imagine", **options)


def latest(house: House):
    return house.channel.history()[-1]


async def test_reroll_is_a_new_job_of_whoever_clicked(house: House):
    result = await imagine(house)
    await house.settle()
    clicked = await house.max.click(result.response, label=say("button-reroll"))
    await house.settle()
    assert clicked.response.id != result.response.id
    assert len(clicked.response.attachments) == 4
    first, second = house.executor.requests
    assert second.seed != first.seed
    assert second.prompt == first.prompt
    job = await house.job(2)
    assert (job.kind, job.parent_id, job.origin.person_id) == (Kind.REROLL, 1, house.max.id)


async def test_upscale_enlarges_the_stored_picture_and_then_the_larger_one(house: House):
    result = await imagine(house)
    await house.settle()
    side = house.executor.requests[0].width
    clicked = await house.max.click(result.response, label="U3")
    await house.settle()
    assert [await file.read() for file in clicked.response.attachments] == [
        png(9, 2 * side, 2 * side)
    ]
    assert "(×2)" in clicked.response.content
    assert f"{2 * side}×{2 * side}" in clicked.response.content
    assert labels(clicked.response) == [
        "×4",
        *VARY,
        say("button-remix"),
        *EDITING,
        *KEEPING,
    ]
    job = await house.job(2)
    assert (job.kind, job.status, job.parent_index) == (Kind.UPSCALE, Status.DONE, 2)
    larger = await house.mia.click(clicked.response, label="×4")
    await house.settle()
    assert [await file.read() for file in larger.response.attachments] == [
        png(9, 4 * side, 4 * side)
    ]
    assert "(×4)" in larger.response.content
    assert labels(larger.response) == [*VARY, say("button-remix"), *EDITING, *KEEPING]
    first, second = house.executor.requests[1:]
    assert (first.image, first.factor) == (png(9, side, side), 2)
    assert (second.image, second.factor) == (png(9, 2 * side, 2 * side), 2)


async def test_upscale_of_a_pruned_picture_draws_it_from_its_seed(house: House, tmp_path):
    result = await imagine(house)
    await house.settle()
    enlarged = await house.mia.click(result.response, label="U2")
    await house.settle()
    for file in (tmp_path / "pictures").rglob("*.png"):
        file.unlink()
    clicked = await house.mia.click(enlarged.response, label="×4")
    await house.settle()
    drawn, larger = house.executor.requests[2:]
    assert (drawn.seed, drawn.num_images) == (8, 1)
    side = drawn.width
    assert (larger.image, larger.factor) == (png(8, side, side), 4)
    assert [await file.read() for file in clicked.response.attachments] == [
        png(8, 4 * side, 4 * side)
    ]


async def test_upscale_waits_its_turn_like_any_job(house: House):
    result = await imagine(house)
    await house.settle()
    house.executor.hold = True
    await imagine(house, house.max)
    clicked = await house.mia.click(result.response, label="U1")
    await house.settle()
    assert says(clicked.response.content, "job-queued", number=1)
    house.executor.let_go()
    await house.settle()
    assert len(clicked.response.attachments) == 1


async def test_words_that_were_too_many_are_named_under_the_pictures(house: House):
    house.executor.cut = "a *boat*"
    result = await imagine(house)
    await house.settle()
    assert say("job-cut", words="a \\*boat\\*") in result.response.content
    assert (await house.job(1)).cut == "a *boat*"


async def test_cancel_while_it_runs(house: House):
    house.executor.hold = True
    result = await imagine(house)
    await house.mia.click(result.response, label=say("button-cancel"))
    await house.settle()
    assert say("job-cancelled") in result.response.content
    assert result.response.components == []
    assert (await house.job(1)).status is Status.CANCELLED
    assert house.executor.ended == ["cancelled"]


async def test_cancel_while_it_waits(house: House):
    house.executor.hold = True
    await imagine(house)
    waiting = await imagine(house, house.max)
    await house.max.click(waiting.response, label=say("button-cancel"))
    house.executor.let_go()
    await house.settle()
    assert (await house.job(2)).status is Status.CANCELLED
    assert (await house.job(1)).status is Status.DONE
    assert len(house.executor.requests) == 1


async def test_only_the_author_or_a_moderator_cancels(house: House):
    house.executor.hold = True
    result = await imagine(house)
    refused = await house.max.click(result.response, label=say("button-cancel"))
    assert refused.ephemeral
    assert says(refused.response.content, "error-not-yours")
    assert (await house.job(1)).status is Status.RUNNING
    await house.morgan.click(result.response, label=say("button-cancel"))
    assert (await house.job(1)).status is Status.CANCELLED


async def test_a_button_answers_for_a_job_of_its_own_server_only(house: House):
    result = await imagine(house)
    await house.settle()
    elsewhere = house.env.create_guild("Elsewhere")
    elsewhere_channel = elsewhere.create_text_channel("darkroom")
    eve = elsewhere.add_member(house.env.create_user("eve"))
    theirs = await eve.slash(elsewhere_channel, "imagine", prompt="mine")
    await house.settle()
    forged = house.env.backend.get_message(elsewhere_channel.id, theirs.response.id)
    for row in forged.components:
        for button in row["components"]:
            button["custom_id"] = button["custom_id"].replace("job:2:", "job:1:")
    for label in (say("button-reroll"), "U1", "V1", say("button-remix"), *KEEPING):
        clicked = await eve.click(theirs.response, label=label)
        answer = clicked.followups[0] if clicked.followups else clicked.response
        assert answer.content == say("error-job-unknown"), label
        assert clicked.ephemeral
    assert len(house.executor.requests) == 2
    assert len(result.response.attachments) == 4


@pytest.mark.parametrize(
    "custom_id",
    ["job:999999:reroll", f"job:{2**63}:reroll", "job:1:upscale:9", "job:1:upscale", "job:1:dance"],
)
async def test_a_button_that_makes_no_sense_gets_a_private_line(house: House, custom_id: str):
    result = await imagine(house)
    await house.settle()
    stored = house.env.backend.get_message(house.channel.id, result.response.id)
    stored.components[0]["components"][0]["custom_id"] = custom_id
    clicked = await house.mia.click(result.response, custom_id=custom_id)
    assert clicked.ephemeral
    assert clicked.response.content


async def test_buttons_go_on_after_a_restart(house: House, tmp_path, database):
    result = await imagine(house)
    await house.settle()
    await house.env.restart_bot(build(tmp_path, database, house.executor))
    clicked = await house.mia.click(result.response, label=say("button-reroll"))
    await house.settle()
    assert len(clicked.response.attachments) == 4
    assert (await house.job(2)).status is Status.DONE


@pytest.mark.parametrize("label", [say("button-reroll"), "U1", "V1"])
async def test_a_double_click_is_one_job(house: House, label: str):
    result = await imagine(house)
    await house.settle()
    first = await house.mia.click(result.response, label=label)
    again = await house.mia.click(result.response, label=label)
    assert not first.ephemeral
    assert again.acknowledged
    assert not again.followups, "the first click's answer is answer enough"
    assert again.response.id == result.response.id
    await house.settle()
    assert await house.jobs.get(3) is None
    assert len(house.executor.requests) == 2


async def test_deliberate_rerolls_are_never_refused(house: House):
    result = await imagine(house)
    await house.settle()
    await house.mia.click(result.response, label=say("button-reroll"))
    await house.max.click(result.response, label=say("button-reroll"))
    await house.env.advance_time(2)
    await house.mia.click(result.response, label=say("button-reroll"))
    await house.settle()
    people = [(await house.job(job_id)).origin.person_id for job_id in (2, 3, 4)]
    assert people == [house.mia.id, house.max.id, house.mia.id]


async def test_a_click_that_was_refused_may_be_repeated_at_once(house: House):
    result = await imagine(house)
    await house.settle()
    house.executor.hold = True
    for prompt in "abc":
        await imagine(house, prompt=prompt)
    refused = await house.mia.click(result.response, label=say("button-reroll"))
    again = await house.mia.click(result.response, label=say("button-reroll"))
    for click in (refused, again):
        assert says(click.response.content, "error-waiting", waiting=3)
    house.executor.let_go()
    await house.settle()


@pytest.mark.parametrize(
    ("custom_id", "action"),
    [
        ("job:1:upscale:0", "upscale"),
        ("job:1:vary:3", "vary"),
        ("job:1:reroll", "reroll"),
        ("job:1:subtle:0:1a", "subtle"),
        ("job:1:strong:0:1a", "strong"),
        ("job:1:remix::1a", "remix"),
        ("job:1:cancel", "cancel"),
        ("job:1:details", "details"),
        ("job:1:send", "send"),
        ("job:1:favourite::1a", "favourite"),
        ("job:1:delete", "delete"),
        ("job:1:erase", "erase"),
    ],
)
def test_buttons_of_earlier_releases_are_known(custom_id: str, action: str):
    match = TEMPLATE.fullmatch(custom_id)
    assert match is not None
    assert CustomId.from_match(match).action == action
    assert action in JOB_ACTIONS


@given(
    job=st.integers(min_value=1, max_value=2**63 - 1),
    action=st.sampled_from(sorted(JOB_ACTIONS)),
    index=st.none() | st.integers(min_value=0, max_value=9),
    mark=st.none() | st.integers(min_value=1, max_value=2**63 - 1).map("{:x}".format),
)
def test_custom_ids_read_back_and_fit(job: int, action: str, index: int | None, mark: str | None):
    written = str(CustomId(job, action, index, mark))
    assert len(written) <= 100
    match = TEMPLATE.fullmatch(written)
    assert match is not None
    assert CustomId.from_match(match) == CustomId(job, action, index, mark)


@given(st.text(max_size=120))
def test_no_text_breaks_the_template(text: str):
    match = re.fullmatch(TEMPLATE, text)
    if match is not None:
        assert str(CustomId.from_match(match)).startswith("job:")

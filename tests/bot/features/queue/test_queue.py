import re
from dataclasses import replace

from bot.core.admission.request_context import Actor
from bot.db.records import Job, Status
from bot.texts import say
from bot.ui.cooldowns import PER_S
from tests.bot.conftest import House
from tests.texts import says


async def test_an_empty_queue_says_so(house: House):
    result = await house.mia.slash(house.channel, "queue")
    assert result.ephemeral
    assert result.response.content == say("queue-empty")


async def test_the_queue_shows_places_and_no_prompts_of_others(house: House):
    await house.mia.slash(house.channel, "imagine", prompt="a first one")
    await house.settle()
    house.executor.hold = True
    for person, prompt in (
        (house.mia, "an apple"),
        (house.max, "a secret"),
        (house.mia, "a *pear*"),
    ):
        await person.slash(house.channel, "imagine", prompt=prompt)
    result = await house.mia.slash(house.channel, "queue")
    heading, *lines = result.response.content.splitlines()
    assert re.fullmatch(r"\*\*1 running, 2 waiting\*\*, all done in about \d+ s", heading)
    assert lines[0].startswith("🎞️ running · you: an apple https://discord.com/channels/")
    assert lines[1].startswith(f"⏳ 1st · <@{house.max.id}> · about")
    assert lines[2].startswith(r"⏳ 2nd · you: a \*pear\* https://")
    assert "secret" not in result.response.content
    seconds = [int(re.search(r"about (\d+) s", line)[1]) for line in lines]
    assert seconds == sorted(seconds)
    assert not house.allowed_mentions(result.response).users


async def test_many_in_the_queue_still_fit_a_message_and_mine_is_shown(house: House):
    house.executor.hold = True
    await house.max.slash(house.channel, "imagine", prompt="long " * 190)
    people = [house.guild.add_member(house.env.create_user(f"p{i}")) for i in range(14)]
    for person in [*people, house.mia]:
        await person.slash(house.channel, "imagine", prompt="*" * 900)
    result = await house.mia.slash(house.channel, "queue")
    assert len(result.response.content) <= 2000
    assert "⏳ 15th · you:" in result.response.content
    assert "and 6 more" in result.response.content


async def test_cancel_ends_the_only_one_a_picked_one_or_all(house: House):
    house.executor.hold = True
    nothing = await house.mia.slash(house.channel, "cancel")
    assert house.refusal(nothing) == say("error-no-job-of-yours")
    house.env.errors.clear()
    await house.mia.slash(house.channel, "imagine", prompt="one")
    only = await house.mia.slash(house.channel, "cancel")
    assert only.ephemeral
    assert (await house.job(1)).status is Status.CANCELLED
    for prompt in ("two", "three", "four"):
        await house.mia.slash(house.channel, "imagine", prompt=prompt)
    await house.max.slash(house.channel, "imagine", prompt="of Max")
    several = await house.mia.slash(house.channel, "cancel")
    assert says(house.refusal(several), "error-which-job", jobs=3)
    await house.mia.slash(house.channel, "cancel", job=3)
    assert (await house.job(3)).status is Status.CANCELLED
    forbidden = await house.mia.slash(house.channel, "cancel", job=5)
    assert says(house.refusal(forbidden), "error-not-yours")
    await house.env.advance_time(PER_S + 1)  # or the sixth in a row would come too soon
    await house.mia.slash(house.channel, "cancel", everything=True)
    statuses = [(await house.job(job_id)).status for job_id in (2, 4, 5)]
    assert statuses[:2] == [Status.CANCELLED] * 2
    assert statuses[2] in (Status.QUEUED, Status.RUNNING)


async def test_a_cancel_just_before_it_is_lined_up_is_shown(house: House, monkeypatch):
    """The row says that it waits, and then that it is cancelled, before anybody hears of either."""
    jobs = house.app.jobs
    queued = jobs._jobs.queued

    async def queued_and_cancelled(job_id: int, message_id: int) -> bool:
        waits = await queued(job_id, message_id)
        await jobs.cancel(job_id, Actor(house.mia.id, house.guild.id, moderates=False))
        return waits

    house.executor.hold = True
    await house.max.slash(house.channel, "imagine", prompt="an apple")
    monkeypatch.setattr(jobs._jobs, "queued", queued_and_cancelled)
    result = await house.mia.slash(house.channel, "imagine", prompt="a pear")
    monkeypatch.undo()
    other = await house.morgan.slash(house.channel, "imagine", prompt="a plum")
    await house.morgan.click(
        other.response, label=say("button-cancel")
    )  # whoever waits is told their places
    await house.settle()
    assert say("job-cancelled") in result.response.content
    assert result.response.components == []
    assert len(house.executor.requests) == 1
    assert (await house.job(2)).status is Status.CANCELLED


async def test_a_cancel_that_read_the_row_before_its_message_was_known_is_shown(
    house: House, monkeypatch
):
    """The row was read before the first answer was noted, the cancellation is written after it."""
    house.executor.hold = True
    result = await house.mia.slash(house.channel, "imagine", prompt="a pear")
    endable = house.app.visibility.endable

    async def early(job_id: int, actor: Actor) -> Job:
        return replace(await endable(job_id, actor), message_id=None)

    monkeypatch.setattr(house.app.visibility, "endable", early)
    await house.mia.click(result.response, label=say("button-cancel"))
    await house.settle()
    assert say("job-cancelled") in result.response.content
    assert (await house.job(1)).origin.token is None

"""Several people's jobs on the device at the same time."""

from bot.db.records import Status
from bot.texts import say
from tests.bot.conftest import House, build
from tests.fakes import png
from tests.texts import says


async def test_two_people_are_drawn_together_and_each_gets_their_own(house: House):
    house.executor.hold = True
    house.executor.capacity = 16
    mias = await house.mia.slash(house.channel, "imagine", prompt="a fish", seed=1, steps=10)
    maxs = await house.max.slash(house.channel, "imagine", prompt="a pear", seed=9, steps=5)
    assert say("job-starting") in maxs.response.content
    assert house.executor.running == 2
    for steps in (2, 4):  # one step of each in turn, once their first previews are made coarse
        house.executor.let_go(steps)
        await house.settle()
    assert says(mias.response.content, "job-progress", step="3", steps="10")
    assert says(maxs.response.content, "job-progress", step="3", steps="5")
    house.executor.let_go()
    await house.settle()
    for result, seed in ((mias, 1), (maxs, 9)):
        files = [await file.read() for file in result.response.attachments]
        assert files == [png(seed + i) for i in range(4)]
    assert [(await house.job(job)).status for job in (1, 2)] == [Status.DONE] * 2


async def test_a_cancelled_job_leaves_the_one_beside_it_alone(house: House):
    house.executor.hold = True
    house.executor.capacity = 16
    mias = await house.mia.slash(house.channel, "imagine", prompt="a fish", seed=1)
    maxs = await house.max.slash(house.channel, "imagine", prompt="a pear", seed=9)
    third = await house.morgan.slash(house.channel, "imagine", prompt="a plum", seed=5)
    assert says(third.response.content, "job-queued", number=1), (
        "eight rows and eight rows are sixteen"
    )
    for steps in (2, 4):
        house.executor.let_go(steps)
        await house.settle()
    await house.mia.click(mias.response, label=say("button-cancel"))
    await house.settle()
    assert say("job-cancelled") in mias.response.content
    assert says(maxs.response.content, "job-progress", step="3", steps="20")
    assert [request.prompt for request in house.executor.requests][2:] == ["a plum"]
    house.executor.let_go()
    await house.settle()
    assert [await file.read() for file in maxs.response.attachments] == [
        png(9 + i) for i in range(4)
    ]
    assert house.executor.ended == ["cancelled", "finished", "finished"]
    assert len(third.response.attachments) == 4


async def test_a_job_held_back_by_its_persons_cap_says_so(house: House):
    house.executor.hold = True
    house.executor.capacity = 16
    await house.mia.slash(house.channel, "imagine", prompt="a fish")
    second = await house.mia.slash(house.channel, "imagine", prompt="a pear")
    assert says(second.response.content, "job-queued", number=1)


async def test_a_restored_queue_runs_together_once_the_worker_says_what_it_holds(
    house: House, tmp_path, database
):
    house.executor.hold = True
    for person in (house.mia, house.max, house.morgan):
        await person.slash(house.channel, "imagine", prompt="a fish")
    house.executor.ready_rows = 20
    await house.env.restart_bot(build(tmp_path, database, house.executor))
    await house.settle()
    assert house.executor.running == 3


async def test_the_turn_of_a_cancelled_job_goes_to_the_next_and_is_kept(house: House):
    house.executor.hold = True
    await house.max.slash(house.channel, "imagine", prompt="a fish")
    first = await house.mia.slash(house.channel, "imagine", prompt="a pear")
    await house.mia.slash(house.channel, "imagine", prompt="a plum")
    turn = (await house.job(2)).fair_start
    assert (await house.job(3)).fair_start > turn
    await house.mia.click(first.response, label=say("button-cancel"))
    await house.settle()
    assert (await house.job(3)).fair_start == turn

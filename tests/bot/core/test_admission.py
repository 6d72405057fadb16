"""What features add to admission and to what is kept about people is asked like the rest."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.core.admission.admission import Admission, Stage, Wanted
from bot.core.admission.refusal_store import RefusalStore
from bot.core.admission.request_context import RequestContext
from bot.core.errors import Blocked, NothingToDo, PromptRefused
from bot.core.personal_data import PersonalData
from bot.db.database import Database
from bot.db.records import Kind, NewJob, Origin
from bot.texts import say
from generation.request import GenerationRequest, Sampler
from tests.bot.conftest import House

MIA, GUILD = 2, 9
ASKED = RequestContext(Origin(1, "token", MIA, "mia", 3, GUILD, datetime(2026, 3, 1, tzinfo=UTC)))
REQUEST = GenerationRequest(
    prompt="a fox",
    checkpoint="Emoji",
    width=64,
    height=64,
    num_images=3,
    num_inference_steps=5,
    guidance_scale=2.5,
    sampler=Sampler.EULER,
    seed=3,
)
DRAFT = NewJob(kind=Kind.IMAGINE, request=REQUEST)


@pytest.fixture
def admission(database: Database) -> Admission:
    return Admission(RefusalStore(database))


async def noted(admission: Admission, database: Database) -> list[tuple[str, str]]:
    await admission.close()
    return [(one.why, one.prompt) for one in await RefusalStore(database).of_person(MIA)]


async def test_checks_are_asked_by_their_stage_and_then_as_they_were_added(
    admission: Admission, database: Database
):
    order: list[tuple[str, Wanted]] = []

    def check(name: str):
        async def note(_: RequestContext, wanted: Wanted) -> None:
            order.append((name, wanted))

        return note

    for stage, name in (
        (Stage.ROOM, "room"),
        (Stage.QUOTA, "first quota"),
        (Stage.PERSON, "person"),
        (Stage.QUOTA, "second quota"),
        (Stage.PLACE, "place"),
    ):
        admission.add(stage, check(name))
    wanted = Wanted("a fox", jobs=2, pictures=8)
    await admission.admit(ASKED, wanted)
    expected = ["person", "place", "first quota", "second quota", "room"]
    assert order == [(name, wanted) for name in expected]
    assert await noted(admission, database) == []


async def test_who_may_ask_for_nothing_is_told_nothing_else_and_it_is_noted(
    admission: Admission, database: Database
):
    async def blocked(_: RequestContext, wanted: Wanted) -> None:
        assert wanted == Wanted("a fox", jobs=1, pictures=3)
        raise Blocked("spam", None)

    async def refused(new_job: NewJob, _: RequestContext) -> NewJob:
        raise AssertionError(new_job)

    async def elsewhere(_: RequestContext, wanted: Wanted) -> None:
        raise AssertionError(wanted)

    admission.add_screen(refused)
    admission.add(Stage.PLACE, elsewhere)
    admission.add(Stage.PERSON, blocked)
    with pytest.raises(Blocked):
        await admission.screen(DRAFT, ASKED)
    with pytest.raises(Blocked):
        await admission.admit(ASKED, Wanted.of(DRAFT))
    assert await noted(admission, database) == [("Blocked", "a fox")] * 2


async def test_each_screen_looks_at_what_the_one_before_left(
    admission: Admission, database: Database
):
    async def shorten(new_job: NewJob, _: RequestContext) -> NewJob:
        return replace(new_job, request=replace(new_job.request, prompt="a"))

    async def refuse(new_job: NewJob, _: RequestContext) -> NewJob:
        if new_job.request.prompt == "a":
            raise PromptRefused
        return new_job

    admission.add_screen(shorten)
    assert (await admission.screen(DRAFT, ASKED)).request.prompt == "a"
    admission.add_screen(refuse)
    with pytest.raises(PromptRefused):
        await admission.screen(DRAFT, ASKED)
    assert await noted(admission, database) == [("PromptRefused", "a fox")]


async def test_a_feature_adds_a_check_in_one_place(house: House):
    async def on_holiday(_: RequestContext, wanted: Wanted) -> None:
        if "work" in wanted.prompt:
            raise NothingToDo("It is a holiday.")

    house.app.admission.add(Stage.PLACE, on_holiday)
    refused = await house.mia.slash(house.channel, "imagine", prompt="work", count=1)
    assert house.refusal(refused) == "It is a holiday."
    await house.mia.slash(house.channel, "imagine", prompt="a fox", count=1)
    await house.settle()
    assert (await house.job(1)).request.prompt == "a fox"
    (note,) = await house.refusals.of_person(house.mia.id)
    assert (note.why, note.prompt) == ("NothingToDo", "work")


class Diaries(PersonalData):
    """Something new that is kept about people."""

    name = "diary"

    def __init__(self) -> None:
        self.entries: dict[int, list[str]] = {}

    async def export(self, person_id: int) -> list[str]:
        return self.entries.get(person_id, [])

    async def erase(self, person_id: int, now: datetime) -> int:
        return len(self.entries.pop(person_id, []))


async def test_a_feature_adds_what_it_keeps_about_people_in_one_place(house: House):
    diaries = Diaries()
    diaries.entries = {house.mia.id: ["dear diary"], house.max.id: ["of Max"]}
    house.app.personal_data.append(diaries)
    exported = await house.mia.slash(house.channel, "privacy export")
    kept = json.loads(await exported.response.attachments[0].read())
    assert kept["diary"] == ["dear diary"]
    house.executor.hold = True
    await house.mia.slash(house.channel, "imagine", prompt="a fox", count=1)
    question = await house.mia.slash(house.channel, "privacy erase")
    await house.mia.click(question.response, label=say("button-erase"))
    assert house.env.errors, "a job is on its way"
    house.env.errors.clear()
    assert house.mia.id in diaries.entries, "then nothing of theirs is erased"
    house.executor.let_go()
    await house.settle()
    await asyncio.sleep(0)
    await house.env.advance_time(60)
    again = await house.mia.slash(house.channel, "privacy erase")
    await house.mia.click(again.response, label=say("button-erase"))
    assert diaries.entries == {house.max.id: ["of Max"]}

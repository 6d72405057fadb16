"""A new button is a class that is registered, and nothing else: here it is written in the test."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import discord
import pytest

from bot import texts
from bot.core.admission.visibility import Right
from bot.core.pictures.gallery import Found
from bot.db.records import AuditAction, Job, Kind
from bot.features.gallery.details import Details
from bot.features.moderation.service import ModerationService
from bot.texts import say
from bot.ui.actions.job_actions import JOB_ACTIONS, JobAction, Row, Under
from bot.ui.actions.moderation_actions import MODERATION_ACTIONS, ModerationAction, reason_input
from bot.ui.actions.press import Press
from bot.ui.delivery.first_answer import first_answer
from bot.ui.forms import Input, modal, texts_in
from bot.ui.interaction_context import moderator
from tests.bot.conftest import KEEPING, House, build, labels
from tests.languages import catalogs
from tests.texts import says

WORDS = """
button-hum = Hum
button-hum-along = Hum along
button-hush = Hush
"""


class Hum(JobAction):
    name = "hum"
    label = "button-hum"
    emoji = "🎵"

    async def press(self, press: Press) -> None:
        await press.interaction.response.send_message(f"Hums of #{press.job.id}", ephemeral=True)


class HumAlone(Hum):
    name = "humalone"
    right = Right.END


class HumAlong(JobAction):
    """For each enlarged picture; asks what about, and makes a job of it."""

    name = "humalong"
    label = "button-hum-along"
    row = Row.MAKE
    makes_job = True
    opens_form = True

    def buttons(self, job: Job, pictures):
        return [self.button(index) for index in pictures if job.kind is Kind.UPSCALE]

    async def press(self, press: Press) -> None:
        inputs = [Input("about", "About", "", {})]
        form = modal(f"Of picture {press.picture}", press.custom_id, inputs, {})
        await press.interaction.response.send_modal(form)

    async def submit(self, press: Press) -> None:
        assert texts_in(press.interaction) == {"about": "bees"}
        job = await press.app.jobs.derived.upscale(press.job.id, press.picture, press.context)
        await first_answer(press.interaction, press.app.jobs, job)


class HumMeanwhile(Hum):
    name = "hummeanwhile"
    under = Under.OPEN


class Hush(ModerationAction):
    """Ends all jobs of a job's person, after a form."""

    name = "hush"
    label = "button-hush"

    def form(self, job: Job, custom_id: str) -> discord.ui.Modal:
        return modal(f"Hush {job.origin.person_name}", custom_id, [reason_input("")], {})

    async def carry_out(self, press: Press, typed: Mapping[str, str]) -> None:
        actor, person_id = press.actor, press.job.origin.person_id
        ended = await press.app.jobs.cancel_all(person_id, actor, typed["reason"])
        await press.interaction.response.send_message(f"{ended} hushed", ephemeral=True)


class HushAtOnce(Hush):
    """Tells them at once, for jobs that came to something only; no service knows of it."""

    name = "hushatonce"

    def applies_to(self, found: Found) -> bool:
        return found.thumbnail is not None

    def form(self, job: Job, custom_id: str) -> None:
        return None

    async def carry_out(self, press: Press, typed: Mapping[str, str]) -> None:
        actor = await moderator(press.interaction)
        entry = actor.audit_entry_on(press.job, AuditAction.CONFIG, "told to hush")
        assert entry is not None
        await press.app.get(ModerationService).note(entry)
        await press.interaction.response.send_message("Hush!", ephemeral=True)


@pytest.fixture(autouse=True)
def _registries(tmp_path: Path) -> Iterator[None]:
    """Leave the registries as they were, with texts for what the tests register."""
    job, moderation = dict(JOB_ACTIONS), dict(MODERATION_ACTIONS)
    folder = tmp_path / "texts"
    folder.mkdir()
    with catalogs(folder, en=(texts.FOLDER / "en.ftl").read_text("utf-8") + WORDS):
        yield
    for registry, before in ((JOB_ACTIONS, job), (MODERATION_ACTIONS, moderation)):
        registry.clear()
        registry.update(before)


async def imagine(house: House, **options):
    options = {"prompt": "a red apple", "count": 1, **options}
    result = await house.mia.slash(house.channel, "imagine", **options)
    await house.settle()
    return result


async def test_a_new_button_stands_under_pictures_and_does_its_thing(
    house: House, tmp_path: Path, database
):
    JOB_ACTIONS.register(Hum())
    result = await imagine(house, count=4)
    assert labels(result.response)[-5:] == [*KEEPING, "Hum"]
    pressed = await house.max.click(result.response, label="Hum")
    assert pressed.ephemeral
    assert pressed.response.content == "Hums of #1"
    await house.env.restart_bot(build(tmp_path, database, house.executor))
    pressed = await house.mia.click(result.response, label="Hum")
    assert pressed.response.content == "Hums of #1"


async def test_who_has_no_right_to_a_button_is_refused_before_it_does_anything(house: House):
    JOB_ACTIONS.register(HumAlone(), Hum())
    result = await imagine(house)
    pressed = await house.max.click(result.response, custom_id=custom_id(result, "humalone"))
    assert says(pressed.response.content, "error-not-yours")
    for person in (house.mia, house.morgan):
        pressed = await person.click(result.response, custom_id=custom_id(result, "humalone"))
        assert pressed.response.content == "Hums of #1"
    private = await house.mia.slash(house.channel, "imagine", prompt="a pear", private=True)
    await house.settle()
    forged = house.env.backend.get_message(house.channel.id, result.response.id)
    button = forged.components[-1]["components"][-1]
    button["custom_id"] = custom_id(private, "hum")
    pressed = await house.max.click(result.response, custom_id=button["custom_id"])
    assert pressed.response.content == say("error-job-unknown")


async def test_a_new_button_of_some_pictures_opens_a_form_and_makes_a_job(house: House):
    JOB_ACTIONS.register(HumAlong())
    result = await imagine(house)
    assert "Hum along" not in labels(result.response)
    larger = await house.mia.click(result.response, label="U1")
    await house.settle()
    form = await house.max.click(larger.response, label="Hum along")
    assert form.modal["title"] == "Of picture 0"
    sent = await house.max.submit_modal(form, {"about": "bees"})
    await house.settle()
    assert len(sent.response.attachments) == 1
    job = await house.job(3)
    assert (job.parent_id, job.factor, job.origin.person_id) == (2, 4, house.max.id)


async def test_a_new_button_may_stand_under_a_job_that_waits(house: House):
    JOB_ACTIONS.register(HumMeanwhile())
    house.executor.hold = True
    result = await house.mia.slash(house.channel, "imagine", prompt="a red apple")
    assert labels(result.response) == [say("button-cancel"), "Hum"]
    pressed = await house.max.click(result.response, label="Hum")
    assert pressed.response.content == "Hums of #1"
    await house.mia.click(result.response, label=say("button-cancel"))
    assert result.response.components == []


async def test_buttons_that_are_too_many_for_a_row_go_on_in_the_next(house: House):
    more = [type(f"Hum{n}", (Hum,), {"name": "hum" + "x" * n})() for n in range(8)]
    JOB_ACTIONS.register(*more)
    result = await imagine(house, count=4)
    rows = [[one["label"] for one in row["components"]] for row in result.response.components]
    assert rows == [
        ["U1", "U2", "U3", "U4", say("button-reroll")],
        ["V1", "V2", "V3", "V4", say("button-remix")],
        [*KEEPING, "Hum"],
        ["Hum"] * 5,
        ["Hum"] * 2,
    ]


async def test_a_new_action_of_moderators_stands_on_a_jobs_card(house: House):
    MODERATION_ACTIONS.register(Hush(), HushAtOnce())
    result = await imagine(house)
    house.executor.hold = True
    card = await house.morgan.context_menu(house.channel, say("menu-inspect"), result.response)
    message = card.followups[0] if card.followups else card.response
    assert labels(message) == [say("button-remove"), say("button-block"), "Hush", "Hush"]
    running = await house.mia.slash(house.channel, "imagine", prompt="a pear")
    mark = (await house.job(1)).mark
    form = await house.morgan.click(message, custom_id=f"mod:hush:1:{mark}")
    assert form.modal["title"] == "Hush mia"
    done = await house.morgan.submit_modal(form, {"reason": "too loud"})
    assert done.response.content == "1 hushed"
    assert running.response.content.endswith("✖️ Cancelled by a moderator")
    done = await house.morgan.click(message, custom_id=f"mod:hushatonce:1:{mark}")
    assert done.response.content == "Hush!"
    entries = await house.audit.page(house.guild.id, before=None, limit=5)
    assert [(one.action, one.person_id, one.job_id, one.detail) for one in entries] == [
        ("config", house.mia.id, 1, "told to hush"),
        ("cancel", house.mia.id, 2, "too loud"),
    ]


async def test_an_action_of_moderators_is_for_moderators_where_it_applies(house: House):
    MODERATION_ACTIONS.register(Hush(), HushAtOnce())
    house.executor.hold = True
    result = await house.mia.slash(house.channel, "imagine", prompt="a pear")
    card = await house.morgan.context_menu(house.channel, say("menu-inspect"), result.response)
    message = card.followups[0] if card.followups else card.response
    assert labels(message) == [say("button-remove"), say("button-block"), "Hush"]
    (role,) = house.env.backend.guilds[house.guild.id].members[house.morgan.id].role_ids
    form = await house.morgan.click(message, label="Hush")
    house.env.backend.remove_member_role(house.guild.id, house.morgan.id, role)
    for pressed in (
        await house.morgan.click(message, label="Hush"),
        await house.morgan.submit_modal(form, {"reason": ""}),
    ):
        assert pressed.response.content == say(
            "error-permissions", needed=say("permission.moderate-members")
        )
    assert (await house.job(1)).origin.person_id == house.mia.id
    assert say("job-cancelled") not in result.response.content


def test_a_name_is_one_actions_and_fits_a_custom_id():
    with pytest.raises(ValueError, match="details"):
        JOB_ACTIONS.register(Details())
    with pytest.raises(ValueError, match="remove"):
        MODERATION_ACTIONS.register(type("Remove", (Hush,), {"name": "remove"})())
    with pytest.raises(ValueError, match="hum along"):
        JOB_ACTIONS.register(type("HumAlong", (Hum,), {"name": "hum along"})())


def custom_id(result, action: str) -> str:
    """Return the id of the button of this action under a message."""
    (found,) = (
        button["custom_id"]
        for row in result.response.components
        for button in row["components"]
        if button["custom_id"].split(":")[2] == action
    )
    return found

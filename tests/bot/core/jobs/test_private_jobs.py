"""/imagine private: what only its person sees, by the token first, then by direct message."""

from datetime import timedelta

import discord
import pytest

from bot.db.records import Kind, Status
from bot.texts import say
from generation.errors import OutOfMemory
from tests.bot.conftest import House, build, labels
from tests.bot.rows import execute
from tests.texts import says

HOUR = timedelta(hours=1).total_seconds()


async def imagine(house: House, **options):
    options = {"prompt": "a red apple", "count": 1, "private": True, **options}
    return await house.mia.slash(house.channel, "imagine", **options)


async def outlive_the_token(house: House, **options):
    """Ask privately, and let the job end an hour later."""
    house.executor.hold = True
    result = await imagine(house, **options)
    await house.env.advance_time(HOUR)
    house.executor.let_go()
    house.executor.hold = False
    await house.settle()
    return result


def public(house: House) -> list:
    return house.channel.history()


def direct(house: House) -> list:
    return house.mia.user.dm_channel.history()


def close_direct_messages(house: House) -> None:
    house.env.inject_error(
        "POST",
        "/channels/*/messages",
        status=403,
        code=50007,
        message="Cannot send messages to this user",
        times=None,
    )


async def test_a_private_job_is_answered_and_finished_for_one_person(house: House):
    result = await imagine(house)
    await house.settle()
    assert result.ephemeral
    assert len(result.response.attachments) == 1
    assert say("button-reroll") in labels(result.response)
    assert public(house) == []
    job = await house.job(1)
    assert (job.status, job.origin.private, job.direct_channel_id) == (Status.DONE, True, None)


@pytest.mark.parametrize(
    ("label", "kind"),
    [(say("button-reroll"), Kind.REROLL), ("V1", Kind.VARIATION), ("U1", Kind.UPSCALE)],
)
async def test_what_comes_of_a_private_job_is_private(house: House, label: str, kind: Kind):
    result = await imagine(house)
    await house.settle()
    clicked = await house.mia.click(result.response, label=label)
    await house.settle()
    assert clicked.ephemeral
    job = await house.job(2)
    assert (job.kind, job.status, job.origin.private) == (kind, Status.DONE, True)
    assert public(house) == []


async def test_private_permutations_are_private_each(house: House):
    asked = await imagine(house, prompt="a {red, blue} apple")
    made = await house.mia.click(asked.response, label=say("question-yes", jobs=2))
    await house.settle()
    assert made.ephemeral
    assert [(await house.job(number)).origin.private for number in (1, 2)] == [True, True]
    assert [(await house.job(number)).status for number in (1, 2)] == [Status.DONE] * 2
    assert public(house) == []


async def test_no_permission_in_the_channel_is_needed(house: House):
    nothing = discord.PermissionOverwrite(attach_files=False, send_messages=False)
    channel = house.guild.create_text_channel("closed", overwrites={house.bot.user: nothing})
    asked = {"prompt": "a red apple", "count": 1, "private": True}
    result = await house.mia.slash(channel, "imagine", **asked)
    await house.settle()
    assert len(result.response.attachments) == 1


async def test_after_the_token_s_death_the_end_comes_by_direct_message(house: House):
    result = await outlive_the_token(house)
    assert result.response.attachments == []
    (sent,) = direct(house)
    assert len(sent.attachments) == 1
    assert f"You asked for this in <#{house.channel.id}>" in sent.content
    assert public(house) == []
    job = await house.job(1)
    assert job.status is Status.DONE
    assert (job.direct_channel_id, job.message_id) == (house.mia.user.dm_channel.id, sent.id)
    assert (job.origin.guild_id, job.origin.channel_id) == (house.guild.id, house.channel.id)


async def test_a_private_job_goes_on_in_direct_messages(house: House):
    await outlive_the_token(house)
    (sent,) = direct(house)
    clicked = await house.mia.user.click(sent, label=say("button-reroll"))
    await house.settle()
    assert not clicked.ephemeral, "nobody else reads there, so it may stay"
    assert len(clicked.response.attachments) == 1
    again = await house.job(2)
    assert (again.kind, again.status, again.origin.guild_id) == (Kind.REROLL, Status.DONE, None)

    details = await house.mia.user.click(sent, label=say("button-details"))
    (embed,) = details.response.embeds
    assert embed.title == "#1 imagine 🔒"
    where = f"https://discord.com/channels/@me/{sent.channel.id}/{sent.id}"
    assert embed.url == where


async def test_delete_in_direct_messages_removes_the_message(house: House):
    await outlive_the_token(house)
    (sent,) = direct(house)
    asked = await house.mia.user.click(sent, label=say("button-delete"))
    await house.mia.user.click(asked.response, label=say("button-delete-for-good"))
    assert sent.id not in [message.id for message in direct(house)]
    (picture,) = await house.pictures.of_job(1)
    assert await house.pictures.read(picture) is None


async def test_where_direct_messages_are_closed_the_history_keeps_it(house: House):
    close_direct_messages(house)
    await outlive_the_token(house)
    assert public(house) == []
    job = await house.job(1)
    assert (job.status, job.direct_channel_id) == (Status.DONE, None)
    assert job.error == "not posted: Cannot send messages to this user"
    history = await house.mia.slash(house.channel, "history")
    (embed,) = history.response.embeds
    assert embed.title == "✅ #1 imagine · done 🔒"
    assert embed.url is None
    assert len(history.response.attachments) == 1
    again = await house.mia.select(history.response, values=["1"])
    await house.settle()
    assert again.ephemeral
    assert len(again.response.attachments) == 1


async def test_a_failure_after_the_token_s_death_is_told_directly(house: House):
    house.executor.error = OutOfMemory()
    await outlive_the_token(house)
    (sent,) = direct(house)
    assert says(sent.content, "error-too-large")
    assert (await house.job(1)).status is Status.FAILED
    assert public(house) == []


async def test_a_cancel_after_the_token_s_death_is_told_to_nobody(house: House):
    house.executor.hold = True
    await imagine(house)
    await house.env.advance_time(HOUR)
    await house.mia.slash(house.channel, "cancel", job=1)
    await house.settle()
    assert (await house.job(1)).status is Status.CANCELLED
    assert direct(house) == []
    assert public(house) == []


async def test_a_lost_answer_is_replaced_in_direct_messages(house: House, tmp_path, database):
    house.executor.hold = True
    await imagine(house)
    await house.app.jobs.close()
    # As a kill between the answer and its message id leaves it, found an hour later.
    await execute(database, "UPDATE jobs SET status = 'recorded', message_id = NULL")
    await house.env.advance_time(HOUR)
    house.executor.hold = False
    await house.env.restart_bot(build(tmp_path, database, house.executor))
    await house.settle()
    (sent,) = direct(house)
    assert len(sent.attachments) == 1
    assert public(house) == []
    job = await house.job(1)
    assert (job.status, job.message_id) == (Status.DONE, sent.id)


async def test_others_do_not_know_a_private_job(house: House):
    result = await imagine(house)
    mine = await house.mia.slash(house.channel, "imagine", prompt="a pear", count=1)
    await house.settle()
    shown = await house.max.slash(house.channel, "show", job=1)
    assert house.refusal(shown) == say("error-job-unknown")
    house.env.errors.clear()
    known = await house.mia.slash(house.channel, "show", job=1)
    assert known.response.embeds[0].title == "#1 imagine 🔒"
    moderated = await house.morgan.slash(house.channel, "show", job=1)
    assert moderated.response.embeds[0].title == "#1 imagine 🔒"
    assert result.ephemeral
    # A button of another message, its id guessed.
    backend = house.env.backend.get_message(mine.response.channel_id, mine.response.id)
    for row in backend.components:
        for button in row["components"]:
            button["custom_id"] = button["custom_id"].replace("job:2:", "job:1:")
    for person, label in (
        (house.max, say("button-reroll")),
        (house.max, say("button-favourite")),
        (house.morgan, "U1"),
    ):
        guessed = await person.click(mine.response, label=label)
        assert guessed.ephemeral
        assert guessed.response.content == say("error-job-unknown"), label
    assert await house.jobs.get(3) is None


async def test_a_moderator_s_star_does_not_show_a_private_job_to_them_later(house: House):
    await imagine(house)
    await house.settle()
    assert await house.favourites.toggle(person_id=house.morgan.id, job_id=1)
    assert await house.favourites.toggle(person_id=house.mia.id, job_id=1)
    theirs = await house.morgan.slash(house.channel, "favourites")
    assert theirs.response.embeds == []
    own = await house.mia.slash(house.channel, "favourites")
    assert len(own.response.embeds) == 1


async def test_the_queue_does_not_say_whose_private_job_it_is(house: House):
    house.executor.hold = True
    await imagine(house)
    seen = await house.max.slash(house.channel, "queue")
    assert f"🎞️ running · {say('queue-somebody')}" in seen.response.content
    assert str(house.mia.id) not in seen.response.content
    own = await house.mia.slash(house.channel, "queue")
    assert "you: a red apple" in own.response.content
    house.executor.let_go()
    await house.settle()


async def test_private_in_direct_messages_is_an_ordinary_job(house: House):
    result = await house.mia.user.slash("imagine", prompt="a red apple", count=1, private=True)
    await house.settle()
    assert not result.ephemeral
    assert len(result.response.attachments) == 1
    assert not (await house.job(1)).origin.private


async def test_deleting_a_private_answer_removes_its_files(house: House):
    result = await imagine(house)
    await house.settle()
    asked = await house.mia.click(result.response, label=say("button-delete"))
    await house.mia.click(asked.response, label=say("button-delete-for-good"))
    assert asked.response.content.startswith("Deleted: the files are gone.")
    (picture,) = await house.pictures.of_job(1)
    assert await house.pictures.read(picture) is None


async def test_what_was_made_from_another_leads_back_to_it(house: House):
    shown = await house.mia.slash(house.channel, "imagine", prompt="a pear", count=1)
    await house.settle()
    where = f"https://discord.com/channels/{house.guild.id}/{house.channel.id}/{shown.response.id}"
    varied = await house.max.click(shown.response, label="V1")
    await house.settle()
    assert varied.response.content.endswith(f"\n-# From {where}")

    hidden = await imagine(house)
    await house.settle()
    again = await house.mia.click(hidden.response, label=say("button-reroll"))
    await house.settle()
    assert "From" not in again.response.content, "nobody could follow it"


async def test_nothing_leads_back_to_what_was_deleted(house: House):
    shown = await house.mia.slash(house.channel, "imagine", prompt="a pear", count=1)
    await house.settle()
    house.executor.hold = True
    again = await house.mia.click(shown.response, label=say("button-reroll"))
    asked = await house.mia.click(shown.response, label=say("button-delete"))
    await house.mia.click(asked.response, label=say("button-delete-for-good"))
    house.executor.let_go()
    await house.settle()
    assert len(again.response.attachments) == 1
    assert "From" not in again.response.content


@pytest.fixture
def guest(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the person brought us along: Discord says so in each of their interactions."""
    monkeypatch.setattr(discord.Interaction, "is_user_integration", lambda _: True)
    monkeypatch.setattr(discord.Interaction, "is_guild_integration", lambda _: False)


async def test_as_a_guest_only_the_token_writes_and_no_permission_is_asked_for(
    house: House, guest: None
):
    nothing = discord.PermissionOverwrite(attach_files=False, view_channel=False)
    channel = house.guild.create_text_channel("theirs", overwrites={house.bot.user: nothing})
    result = await house.mia.slash(channel, "imagine", prompt="a red apple", count=1)
    await house.settle()
    assert not result.ephemeral
    assert len(result.response.attachments) == 1
    job = await house.job(1)
    assert (job.status, job.origin.guest, job.origin.guild_id) == (
        Status.DONE,
        True,
        house.guild.id,
    )


async def test_as_a_guest_the_end_comes_directly_and_never_by_the_channel(
    house: House, guest: None
):
    before = len(house.env.http_requests)
    result = await outlive_the_token(house, private=False)
    (sent,) = direct(house)
    assert len(sent.attachments) == 1
    assert result.response.attachments == []
    here = f"/channels/{house.channel.id}"
    paths = [entry.path for entry in house.env.http_requests[before:]]
    assert [path for path in paths if path.startswith(here)] == []


async def test_moderators_of_a_server_that_did_not_invite_us_are_none(house: House, guest: None):
    result = await house.mia.slash(house.channel, "imagine", prompt="a pear", count=1)
    await house.settle()
    asked = await house.morgan.click(result.response, label=say("button-delete"))
    assert asked.response.content.startswith("Only the person who asked for it")


@pytest.mark.parametrize(("locked", "pictures"), [(False, 1), (True, 0)])
async def test_an_archived_thread_is_opened_again_for_the_end(
    house: House, locked: bool, pictures: int
):
    channel = house.bot.get_channel(house.channel.id)
    assert isinstance(channel, discord.TextChannel)
    kind = discord.ChannelType.public_thread
    thread = await channel.create_thread(name="apples", type=kind)
    (handle,) = house.channel.threads
    house.executor.hold = True
    result = await house.mia.slash(handle, "imagine", prompt="a red apple", count=1)
    await house.env.advance_time(HOUR)
    await thread.edit(archived=True, locked=locked)
    house.env.inject_error(
        "PATCH",
        "/channels/*/messages/*",
        status=400,
        code=50083,
        message="Thread is archived",
        times=None if locked else 1,
    )
    house.executor.let_go()
    await house.settle()
    assert len(result.response.attachments) == pictures
    assert (await house.bot.fetch_channel(handle.id)).archived is locked
    job = await house.job(1)
    said = (Status.FAILED, "not posted: Thread is archived")
    assert (job.status, job.error) == (said if locked else (Status.DONE, None))
    if not locked:
        return
    (told,) = direct(house)
    assert "does not let me post them: Thread is archived. They are kept in `/h" in told.content
    assert f"You asked for this in <#{handle.id}>" in told.content
    kept = await house.mia.slash(house.channel, "show", job=1)
    assert len((kept.followups[0] if kept.followups else kept.response).attachments) == 1


@pytest.mark.parametrize("token", ["answers", "does not"])
async def test_what_the_place_refuses_at_the_end_is_told_to_the_person_alone(
    house: House, token: str
):
    house.executor.hold = True
    result = await house.mia.slash(house.channel, "imagine", prompt="a red apple", count=1)
    house.env.inject_error(
        "PATCH", "/webhooks/*", status=403, code=50013, message="Missing", times=None
    )
    if token == "does not":
        house.env.inject_error("POST", "/webhooks/*", status=403, code=50013, times=None)
    house.executor.let_go()
    await house.settle()
    assert (await house.job(1)).error == "not posted: Missing"
    assert result.response.attachments == []
    if token == "answers":
        (told,) = result.followups
        assert told.flags.ephemeral
        assert house.mia.user.dm_channel is None or direct(house) == []
    else:
        (told,) = direct(house)
    assert "does not let me post them: Missing. They are kept in `/history`." in told.content

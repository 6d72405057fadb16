"""Who sees a job depends on where it was made, and on what Discord says of them there now."""

import discord
import pytest
import simcord
from simcord.backend.models.channel import Overwrite
from simcord.enums import OverwriteType

from bot.db.records import Status, Verdict
from bot.texts import say
from bot.ui.eyes import MOST_QUESTIONS
from tests.bot.conftest import House, labels
from tests.bot.scene import HIDDEN, RULES_HERE, age_restrict, plant, private_thread
from tests.texts import says

UNKNOWN = say("error-job-unknown")


def allow(house: House, channel: simcord.ChannelHandle, person, **said: bool) -> None:
    """Say in a channel's overwrites what a person may do there."""
    allowed, denied = discord.PermissionOverwrite(**said).pair()
    house.env.backend.set_overwrite(
        channel.id,
        Overwrite(person.id, OverwriteType.MEMBER, allow=allowed.value, deny=denied.value),
    )


def words(result: simcord.InteractionResult) -> str:
    """Return all that somebody was answered, embeds and their fields included."""
    answers = [*([result.response] if result.response else []), *result.followups]
    said = [answer.content for answer in answers]
    for answer in answers:
        said += [repr(embed.to_dict()) for embed in answer.embeds]
    return "\n".join(said)


async def shows(house: House, person, job_id: int, channel=None) -> bool:
    """Tell whether /show shows a job to somebody."""
    said = words(await person.slash(channel or house.channel, "show", job=job_id))
    assert ("a secret of mine" in said) is (UNKNOWN not in said)
    return UNKNOWN not in said


async def test_a_staff_channels_job_is_shown_to_whoever_reads_there_now(house: House):
    staff = house.guild.create_text_channel("staff", overwrites={house.guild.default_role: HIDDEN})
    job = await plant(house, "secret", staff.id, house.guild.id)
    assert not await shows(house, house.max, job.id)
    allow(house, staff, house.max, view_channel=True)
    assert await shows(house, house.max, job.id)
    allow(house, staff, house.max, view_channel=True, read_message_history=False)
    assert not await shows(house, house.max, job.id)
    assert await shows(house, house.mia, job.id), "it is hers"
    assert house.env.errors


async def test_an_age_restricted_job_is_shown_in_age_restricted_places_only(house: House):
    adults = house.guild.create_text_channel("adults")
    age_restrict(house, adults)
    job = await plant(house, "secret", adults.id, house.guild.id)
    assert not await shows(house, house.max, job.id)
    assert await shows(house, house.max, job.id, adults)
    assert await shows(house, house.mia, job.id)
    assert house.env.errors


async def test_a_channel_that_is_restricted_no_longer_keeps_what_was_made_there(house: House):
    adults = house.guild.create_text_channel("adults")
    age_restrict(house, adults)
    await house.mia.slash(adults, "imagine", prompt="a secret of mine", count=1)
    await house.settle()
    house.bot.get_channel(adults.id).nsfw = False
    assert (await house.job(1)).origin.age_restricted
    assert not await shows(house, house.max, 1)
    assert not await shows(house, house.max, 1, adults)
    assert not await shows(house, house.morgan, 1), "moderators have /mod history for it"
    assert house.env.errors


async def test_a_private_threads_job_is_shown_to_those_who_are_in_it(house: House):
    whispers = private_thread(house, house.channel, house.mia)
    await house.env.settle()
    job = await plant(house, "secret", whispers.id, house.guild.id)
    assert not await shows(house, house.max, job.id)
    house.env.backend.add_thread_member(whispers.id, house.max.id)
    assert await shows(house, house.max, job.id)
    house.env.backend.remove_thread_member(whispers.id, house.max.id)
    assert not await shows(house, house.max, job.id)
    allow(house, house.channel, house.max, manage_threads=True)
    assert await shows(house, house.max, job.id)
    allow(house, house.channel, house.max, view_channel=False, manage_threads=True)
    elsewhere = house.guild.create_text_channel("elsewhere")
    assert not await shows(house, house.max, job.id, elsewhere)
    assert house.env.errors


async def test_discord_is_asked_about_a_few_threads_a_click_and_the_rest_is_closed(house: House):
    parent = await plant(house, "open", house.channel.id, house.guild.id)
    for number in range(MOST_QUESTIONS + 5):
        thread = private_thread(house, house.channel, house.mia)
        await plant(house, f"child{number}", thread.id, house.guild.id, parent=parent)
    await house.env.settle()
    before = len(house.env.http_requests)
    said = words(await house.max.slash(house.channel, "show", job=parent.id))
    asked = [one for one in house.env.http_requests[before:] if "thread-members" in one.path]
    assert len(asked) == MOST_QUESTIONS
    assert "a open of mine" in said
    assert say("details-children") not in said


async def test_an_archived_thread_is_looked_up_and_a_deleted_one_is_nobodys_to_see(house: House):
    made = house.env.backend.create_thread(house.channel.id, "apples", house.mia.id)
    await house.env.settle()
    job = await plant(house, "secret", made.id, house.guild.id)
    await house.bot.get_channel(made.id).edit(archived=True)
    assert house.bot.get_channel(made.id) is None, "Discord's library forgets it"
    assert await shows(house, house.max, job.id)
    house.env.backend.delete_channel(made.id)
    await house.env.settle()
    assert not await shows(house, house.max, job.id)
    assert await shows(house, house.mia, job.id)
    assert house.env.errors


async def test_of_a_channel_that_is_not_known_nothing_is_shown(house: House):
    other = house.guild.create_text_channel("other")
    job = await plant(house, "secret", other.id, house.guild.id)
    assert await shows(house, house.max, job.id)
    guild = house.bot.get_guild(house.guild.id)
    guild._channels.pop(other.id)
    assert not await shows(house, house.max, job.id)
    assert house.env.errors


async def test_a_voice_channels_messages_are_for_whoever_may_connect(house: House):
    voice = house.guild.create_voice_channel("voice")
    await house.env.settle()
    job = await plant(house, "secret", voice.id, house.guild.id)
    assert await shows(house, house.max, job.id)
    allow(house, voice, house.max, connect=False)
    assert not await shows(house, house.max, job.id)
    assert house.env.errors


async def test_who_turns_a_page_is_asked_again_what_they_see(house: House):
    other = house.guild.create_text_channel("other")
    for number in range(6):
        job = await plant(house, f"favourite{number}", other.id, house.guild.id)
        await house.favourites.toggle(person_id=house.max.id, job_id=job.id)
    page = await house.max.slash(house.channel, "favourites")
    assert "favourite5" in words(page)
    allow(house, other, house.max, view_channel=False)
    await house.max.click(page.response, label=say("button-older"))
    assert "favourite0" not in words(page)
    await house.max.click(page.response, label=say("button-newer"))
    said = words(page)
    assert said.count("One of your favourites. It cannot be shown here") == 5
    assert "favourite" not in said.replace("your favourites", "")
    assert not page.response.attachments
    (menu,) = (row["components"][0] for row in page.response.components[1:])
    assert menu["disabled"]
    allow(house, other, house.max, view_channel=True)
    await house.max.click(page.response, label=say("button-older"))
    assert "favourite0" in words(page)


async def test_anothers_age_restricted_pictures_are_not_sent_by_direct_message(house: House):
    adults = house.guild.create_text_channel("adults")
    age_restrict(house, adults)
    result = await house.mia.slash(adults, "imagine", prompt="an apple", count=1)
    await house.settle()
    refused = await house.max.click(result.response, label=say("button-send"))
    assert says(words(refused), "error-carried-out")
    assert house.max.user.dm_channel is None or not house.max.user.dm_channel.history()
    sent = await house.mia.click(result.response, label=say("button-send"))
    assert "https://discord.com/channels/@me/" in words(sent)


async def test_a_message_leads_back_only_within_its_channel(house: House):
    staff = house.guild.create_text_channel("staff", overwrites={house.guild.default_role: HIDDEN})
    parent = await plant(house, "secret", staff.id, house.guild.id)
    history = await house.mia.slash(house.channel, "history")
    again = await house.mia.select(history.response, values=[str(parent.id)])
    await house.settle()
    assert "From" not in again.response.content
    theirs = words(await house.max.click(again.response, label=say("button-details")))
    assert str(parent.message_id) not in theirs
    assert "#1 imagine" not in theirs
    mine = words(await house.mia.click(again.response, label=say("button-details")))
    assert str(parent.message_id) in mine


async def test_the_queue_names_only_those_whose_job_is_seen(house: House):
    staff = house.guild.create_text_channel("staff", overwrites={house.guild.default_role: HIDDEN})
    for reader in (house.mia, house.bot.user):
        allow(house, staff, reader, view_channel=True)
    house.executor.hold = True
    await house.mia.slash(staff, "imagine", prompt="a secret", count=1)
    line = words(await house.max.slash(house.channel, "queue"))
    assert f"<@{house.mia.id}>" not in line
    assert say("queue-elsewhere") in line
    allow(house, staff, house.max, view_channel=True)
    assert f"<@{house.mia.id}>" in words(await house.max.slash(house.channel, "queue"))


@pytest.mark.parametrize("restricted_now", [True, False])
async def test_no_example_is_from_an_age_restricted_place(house: House, restricted_now: bool):
    adults = house.guild.create_text_channel("adults")
    await plant(house, "secret", adults.id, house.guild.id, age_restricted=not restricted_now)
    house.bot.get_channel(adults.id).nsfw = restricted_now
    page = await house.max.slash(house.channel, "checkpoints")
    assert page.response.embeds
    assert not page.response.attachments
    await plant(house, "open", adults.id, house.guild.id)
    house.bot.get_channel(adults.id).nsfw = False
    page = await house.max.slash(house.channel, "checkpoints")
    assert len(page.response.attachments) == 1


async def test_a_closed_place_names_the_open_ones_that_the_person_reads(house: House):
    roles = house.guild.create_role("Admins", permissions=discord.Permissions(administrator=True))
    ada = house.guild.add_member(house.env.create_user("ada"), roles=[roles])
    staff = house.guild.create_text_channel("staff", overwrites={house.guild.default_role: HIDDEN})
    lounge = house.guild.create_text_channel("lounge")
    panel = await ada.slash(house.channel, "config access")
    menu = panel.response.components[0]["components"][0]["custom_id"]
    await ada.select(panel.response, [staff, lounge], custom_id=menu)
    said = words(await house.max.slash(house.channel, "imagine", prompt="x"))
    assert f"<#{lounge.id}>" in said
    assert str(staff.id) not in said
    assert house.env.errors


async def test_moderators_see_age_restricted_pictures_blurred_elsewhere(house: House):
    adults = house.guild.create_text_channel("adults")
    age_restrict(house, adults)
    await plant(house, "secret", adults.id, house.guild.id)
    for channel, veiled in ((house.channel, True), (adults, False)):
        history = await house.morgan.slash(channel, "mod history")
        (page,) = history.followups or [history.response]
        (unveil,) = (
            button
            for row in page.components
            for button in row["components"]
            if button.get("label") == say("button-unveil")
        )
        assert bool(unveil.get("disabled")) is not veiled
        card = await house.morgan.select(page, values=["1"])
        (shown,) = card.followups or [card.response]
        assert (say("button-unveil") in labels(shown)) is veiled


@pytest.fixture
async def charlie(house: House) -> simcord.MemberActor:
    """Somebody whom overwrites make a moderator of one channel, #other."""
    charlie = house.guild.add_member(house.env.create_user("charlie"))
    house.guild.create_text_channel("other", overwrites={charlie: RULES_HERE})
    await house.env.settle()
    return charlie


async def test_an_overwrite_makes_nobody_a_moderator_of_the_server(
    house: House, charlie: simcord.MemberActor
):
    other = house.guild.channels["other"]
    job = await plant(house, "secret", other.id, house.guild.id, private=True)
    for command, options in (
        ("mod history", {}),
        ("mod block", {"person": house.max}),
        ("config show", {}),
        ("mod quota show", {"who": house.max}),
    ):
        assert words(await charlie.slash(other, command, **options)).startswith("You need"), command
    assert not await shows(house, charlie, job.id, other)
    assert await shows(house, house.morgan, job.id), "she moderates the server"
    assert "/mod" not in words(await charlie.slash(other, "help"))
    assert house.env.errors


async def test_who_manages_a_channels_messages_ends_its_jobs_and_no_others(
    house: House, charlie: simcord.MemberActor
):
    other = house.guild.channels["other"]
    jobs = [
        await plant(house, "secret", channel.id, house.guild.id, status=Status.RUNNING, **about)
        for channel, about in (
            (other, {}),
            (other, {"private": True}),
            (house.channel, {}),
        )
    ]
    for job in jobs:
        await charlie.slash(other, "cancel", job=job.id)
    after = [(await house.job(job.id)).status for job in jobs]
    assert after == [Status.CANCELLED, Status.RUNNING, Status.RUNNING]
    trail = await house.audit.page(house.guild.id, before=None, limit=10)
    assert [(one.action, one.moderator_id, one.job_id) for one in trail] == [
        ("cancel", charlie.id, jobs[0].id)
    ]
    assert house.env.errors


@pytest.mark.parametrize(("moderates", "files"), [(True, 1), (False, 0)])
async def test_a_refused_picture_is_for_the_servers_moderators(
    house: House, moderates: bool, files: int
):
    role = house.guild.create_role(
        "Sweepers", permissions=discord.Permissions(manage_messages=True)
    )
    sweeper = house.guild.add_member(house.env.create_user("sweeper"), roles=[role])
    job = await plant(house, "secret", house.channel.id, house.guild.id, verdict=Verdict.REFUSED)
    person = house.morgan if moderates else sweeper
    result = await person.slash(house.channel, "show", job=job.id)
    (card,) = result.followups or [result.response]
    assert len(card.attachments) == files


async def test_a_guest_sees_the_jobs_of_the_channel_alone(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    other = house.guild.create_text_channel("other")
    here = await plant(house, "secret", house.channel.id, house.guild.id)
    there = await plant(house, "secret", other.id, house.guild.id)
    monkeypatch.setattr(discord.Interaction, "is_user_integration", lambda _: True)
    monkeypatch.setattr(discord.Interaction, "is_guild_integration", lambda _: False)
    assert await shows(house, house.max, here.id)
    assert not await shows(house, house.max, there.id)
    assert not await shows(house, house.morgan, there.id), "nobody moderates where we are guests"
    assert house.env.errors

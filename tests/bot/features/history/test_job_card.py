"""What a moderator does to a job from `/mod history`, and who may not."""

from datetime import UTC, datetime

import discord

from bot.core.erasing import forget
from bot.db.database import Database
from bot.texts import say
from tests.bot.conftest import House, labels
from tests.bot.features.history.looking import (
    HISTORY,
    demote,
    looks,
    make,
    moderator_elsewhere,
    refused,
    reply,
    trail,
)
from tests.texts import says


async def test_one_of_the_page_is_looked_at_and_removed(house: House, tmp_path):
    await make(house, "a fox")
    (made,) = await make(house, "a pear", seed=10)
    message_id = made.response.id
    page = reply(await looks(house))
    card = await house.morgan.select(page, values=["2"])
    assert card.ephemeral
    message = reply(card)
    assert message.embeds[0].title == "#2 imagine"
    assert labels(message) == [say("button-remove"), say("button-block")]
    form = await house.morgan.click(message, label=say("button-remove"))
    assert form.modal["title"] == "Remove #2"
    assert (await house.job(2)).deleted_at is None, "it asks first"

    done = await house.morgan.submit_modal(form, {"reason": "not here"})
    assert done.ephemeral
    assert reply(done).content == say("removed", job=2, children=0)
    assert message_id not in [one.id for one in house.channel.history()]
    (picture,) = await house.pictures.of_job(2)
    assert await house.pictures.read(picture) is None
    assert await trail(house) == [("remove", house.morgan.id, house.mia.id, 2)]
    inspected = reply(await house.morgan.select(page, values=["2"])).embeds[0]
    assert (
        "deleted <t:"
        in {field.name: field.value for field in inspected.fields}[say("inspect-status")]
    )


async def test_a_person_is_blocked_from_what_they_made(house: House):
    await make(house, "a fox")
    card = reply(await house.morgan.select(reply(await looks(house)), values=["1"]))
    form = await house.morgan.click(card, label=say("button-block"))
    assert form.modal["title"] == "Block mia"
    wrong = await house.morgan.submit_modal(form, {"duration": "3 months", "reason": ""})
    assert refused(house, wrong).startswith("`duration` must be like `3d 12h`")
    assert await house.blocks.of_person(house.mia.id) == []
    form = await house.morgan.click(card, label=say("button-block"))
    done = await house.morgan.submit_modal(form, {"duration": "1h", "reason": "spam"})
    assert says(reply(done).content, "blocked", person=str(house.mia.id))
    (held,) = await house.blocks.of_person(house.mia.id)
    assert (held.guild_id, held.by_id, held.reason) == (house.guild.id, house.morgan.id, "spam")
    assert await trail(house) == [("block", house.morgan.id, house.mia.id, None)]


async def test_moderators_are_not_blocked_from_a_card_either(house: House):
    await make(house, "a fox", person=house.morgan)
    roles = house.guild.create_role("H", permissions=discord.Permissions(moderate_members=True))
    helper = house.guild.add_member(house.env.create_user("helper"), roles=[roles])
    card = reply(await helper.select(reply(await looks(house, helper)), values=["1"]))
    form = await helper.click(card, label=say("button-block"))
    result = await helper.submit_modal(form, {"duration": "1h"})
    assert says(refused(house, result), "error-block-moderator")
    assert await house.blocks.of_person(house.morgan.id) == []


async def test_every_door_asks_again_who_moderates(house: House):
    (made,) = await make(house, "a fox")
    page = reply(await looks(house))
    card = reply(await house.morgan.select(page, values=["1"]))
    forms = [
        await house.morgan.click(card, label=one)
        for one in (say("button-remove"), say("button-block"))
    ]
    demote(house)
    line = say("error-permissions", needed=say("permission.moderate-members"))
    for label in (
        say("button-newer"),
        say("button-unveil"),
        say("button-export"),
        say("button-older"),
    ):
        custom_id = next(
            button["custom_id"]
            for row in page.components
            for button in row["components"]
            if button.get("label") == label
        )
        stored = house.env.backend.get_message(page.channel_id, page.id)
        for row in stored.components:
            for button in row["components"]:
                button["disabled"] = False
        clicked = await house.morgan.click(page, custom_id=custom_id)
        assert refused(house, clicked) == line, label
    assert refused(house, await house.morgan.select(page, values=["1"])) == line
    for label in (say("button-remove"), say("button-block")):
        assert refused(house, await house.morgan.click(card, label=label)) == line
    for form, typed in zip(forms, ({}, {"duration": "1h"}), strict=True):
        sent = await house.morgan.submit_modal(form, typed)
        assert refused(house, sent) == line
    (mod,) = [one for one in await house.bot.tree.fetch_commands() if one.name == "mod"]
    house.guild.set_command_permissions(mod, {house.guild.default_role: True})
    for command in ("mod history", "mod usage"):
        assert refused(house, await house.morgan.slash(house.channel, command)) == line
    for command in await house.bot.tree.fetch_commands():
        if command.name in (say("menu-inspect"), say("menu-history")):
            house.guild.set_command_permissions(command, {house.guild.default_role: True})
    for name, target in (
        (say("menu-inspect"), made.response),
        (say("menu-history"), house.mia),
    ):
        assert refused(house, await house.max.context_menu(house.channel, name, target)) == line
    assert len(shown_now := reply(made).attachments) == 1, shown_now
    assert await trail(house) == []
    assert (await house.job(1)).deleted_at is None
    assert await house.blocks.of_person(house.mia.id) == []


async def test_another_server_s_moderator_sees_and_does_nothing(house: House):
    await make(house, "a fox")
    card = reply(await house.morgan.select(reply(await looks(house)), values=["1"]))
    channel, eve = moderator_elsewhere(house)
    for options in ({}, {"job": 1}, {"words": "fox"}, {"person": house.mia_user}):
        result = await eve.slash(channel, HISTORY, **options)
        assert reply(result).content == say("history-none")
    # A button with that job's number, as a forged client might send it.
    theirs = await eve.slash(channel, "imagine", prompt="a pear", count=1)
    await house.settle()
    stored = house.env.backend.get_message(channel.id, theirs.response.id)
    stored.components = house.env.backend.get_message(card.channel_id, card.id).components
    for label in (say("button-remove"), say("button-block")):
        clicked = await eve.click(theirs.response, label=label)
        assert refused(house, clicked) == say("error-job-unknown")
    assert (await house.job(1)).deleted_at is None
    usage = await eve.slash(channel, "mod usage", days=1)
    assert says(reply(usage).content, "usage-total")
    assert "mia" not in reply(usage).content


async def test_who_had_themselves_erased_is_nobody_s_to_block(house: House, database: Database):
    await make(house, "a fox")
    await forget(database, house.mia.id, 10**6, datetime.now(UTC))
    page = reply(await looks(house))
    fields = {field.name: field.value for field in page.embeds[0].fields}
    assert fields["By"] == say("inspect-erased")
    card = reply(await house.morgan.select(page, values=["1"]))
    assert labels(card) == [say("button-remove")]

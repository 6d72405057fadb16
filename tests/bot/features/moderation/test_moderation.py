import discord

from bot.texts import say
from tests.bot.conftest import House


def reply(result):
    return result.followups[0] if result.followups else result.response


async def test_moderators_see_who_made_what(house: House):
    for prompt in ("a red apple", "a **bold** pear"):
        await house.mia.slash(house.channel, "imagine", prompt=prompt)
        await house.settle()
    await house.max.slash(house.channel, "imagine", prompt="not mia's")
    await house.settle()

    result = await house.morgan.slash(house.channel, "mod history", person=house.mia)
    assert result.ephemeral
    answer = reply(result)
    assert [embed.description for embed in answer.embeds] == [
        "a \\*\\*bold\\*\\* pear",
        "a red apple",
    ]
    first = answer.embeds[1]
    job = await house.job(1)
    assert first.title == "✅ #1 imagine · done"
    assert first.timestamp == job.origin.asked_at
    assert first.url == (
        f"https://discord.com/channels/{house.guild.id}/{house.channel.id}/{job.message_id}"
    )
    assert first.thumbnail.url
    assert len(answer.attachments) == 2


async def test_nothing_yet_is_said(house: House):
    result = await house.morgan.slash(house.channel, "mod history", person=house.max)
    answer = reply(result)
    assert answer.content == say("history-none")


async def test_history_stays_in_its_server(house: House):
    await house.mia.slash(house.channel, "imagine", prompt="a red apple")
    await house.settle()
    elsewhere = house.env.create_guild("Elsewhere")
    channel = elsewhere.create_text_channel("mods")
    role = elsewhere.create_role("Mods", permissions=discord.Permissions(moderate_members=True))
    eve = elsewhere.add_member(house.env.create_user("eve"), roles=[role])
    mia_there = elsewhere.add_member(house.mia_user)
    result = await eve.slash(channel, "mod history", person=mia_there)
    assert reply(result).content == say("history-none")


async def test_members_are_refused_in_code_too(house: House):
    # A server's owner can hand the command to everyone in Discord's own settings.
    (mod,) = [command for command in await house.bot.tree.fetch_commands() if command.name == "mod"]
    house.guild.set_command_permissions(mod, {house.guild.default_role: True})
    result = await house.max.slash(house.channel, "mod history", person=house.mia)
    assert house.refusal(result) == say(
        "error-permissions", needed=say("permission.moderate-members")
    )

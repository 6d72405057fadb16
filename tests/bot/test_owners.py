"""Who owns the bot is asked again after a while."""

from types import SimpleNamespace

import discord
import pytest

from tests.bot.conftest import House


class Team:
    """What Discord says of the application, and how often it was asked."""

    def __init__(self, *ids: int) -> None:
        self.ids = set(ids)
        self.asked = 0

    async def __call__(self) -> object:
        self.asked += 1
        role = discord.TeamMemberRole.admin
        members = [SimpleNamespace(id=one, role=role) for one in self.ids]
        return SimpleNamespace(team=SimpleNamespace(members=members))


async def test_who_left_the_team_owns_it_no_more(house: House, monkeypatch: pytest.MonkeyPatch):
    bot, team = house.bot, Team(1, 2)
    monkeypatch.setattr(bot, "application_info", team)

    async def owns(person_id: int) -> bool:
        return await bot.is_owner(SimpleNamespace(id=person_id))

    assert [await owns(one) for one in (1, 2, 3)] == [True, True, False]
    assert team.asked == 1
    team.ids = {1, 3}
    assert await owns(2), "for a while it is believed"
    monkeypatch.setattr("bot.client.OWNERS_S", -1)
    assert [await owns(one) for one in (1, 2, 3)] == [True, False, True]
    assert team.asked == 4


async def test_where_nobody_can_be_asked_nobody_owns_it(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    bot, team = house.bot, Team(1)
    monkeypatch.setattr(bot, "application_info", team)
    assert await bot.is_owner(SimpleNamespace(id=1))
    monkeypatch.setattr("bot.client.OWNERS_S", -1)

    async def broken() -> object:
        raise discord.DiscordException("no")

    monkeypatch.setattr(bot, "application_info", broken)
    with pytest.raises(discord.DiscordException):
        await bot.is_owner(SimpleNamespace(id=1))

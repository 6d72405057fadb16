"""What holds for every command."""

from pathlib import Path

import pytest
from discord import AppCommandType, Permissions, app_commands

from bot.features.help.cog import describe
from bot.texts import say
from bot.ui.cooldowns import OFTEN, PER_S, RATE, RATE_OFTEN, UNDER_POLICY
from tests.bot.conftest import House
from tests.bot.features.upscale.test_upscale import picture
from tests.texts import says

DOCS = Path(__file__).parents[2] / "docs"
GUIDES = "".join((DOCS / name).read_text("utf-8") for name in ("people.md", "moderators.md"))


def commands(house: House) -> list[app_commands.Command]:
    walked = house.bot.tree.walk_commands()
    return [command for command in walked if isinstance(command, app_commands.Command)]


def menus(house: House) -> list[app_commands.ContextMenu]:
    kinds = (AppCommandType.message, AppCommandType.user)
    return [menu for kind in kinds for menu in house.bot.tree.get_commands(type=kind)]


async def test_every_command_and_option_is_described_here_and_in_the_guides(house: House):
    assert len(commands(house)) >= 5
    for command in commands(house):
        assert f"/{command.qualified_name}" in GUIDES
        assert command.description not in ("", "…")
        for option in command.parameters:
            assert option.description not in ("", "…"), f"{command.qualified_name} {option.name}"
    for menu in menus(house):
        assert menu.name in GUIDES


async def test_help_lists_what_one_may_use_and_fits_a_card(house: House):
    for person, moderates in ((house.mia, False), (house.morgan, True)):
        result = await person.slash(house.channel, "help")
        assert result.ephemeral
        for command in commands(house):
            listed = f"`/{command.qualified_name}`" in result.response.embeds[0].description
            group = command.qualified_name.partition(" ")[0]
            forbidden = group == "config" or (group == "mod" and not moderates)
            assert listed is not forbidden, command.qualified_name
        for menu in menus(house):
            listed = f"*{menu.name}*" in result.response.embeds[0].description
            assert listed is (moderates or menu.default_permissions is None), menu.name
    everything = "\n".join(describe(house.bot.tree, Permissions.all()))
    assert len(everything) <= 4096
    for menu in menus(house):
        assert f"*{menu.name}*" in everything


async def test_what_makes_jobs_is_under_the_policy_and_the_rest_has_a_cooldown(house: House):
    free = {
        command.qualified_name
        for command in (*commands(house), *menus(house))
        if command.extras.get(UNDER_POLICY)
    }
    assert free == {"imagine", "edit", "outpaint", "upscale"}
    house.executor.hold = True
    upload = ("cat.jpg", picture(64, 64))
    answers = [await house.mia.slash(house.channel, "upscale", image=upload) for _ in range(6)]
    answers.append(await house.mia.slash(house.channel, "imagine", prompt="a fox"))
    assert says(house.refusal(answers[-1]), "error-waiting", waiting=3)
    assert [says(one.response.content, "error-waiting", waiting=3) for one in answers] == [
        *[False] * 3,
        *[True] * 4,
    ]


async def test_who_is_too_fast_is_told_when_to_come_back(house: House):
    answers = [await house.mia.slash(house.channel, "queue") for _ in range(RATE + 1)]
    assert house.refusal(answers[-1]).startswith("That was quick. Try again in ")
    assert all("quick" not in answer.response.content for answer in answers[:-1])
    other = await house.mia.slash(house.channel, "help")
    somebody = await house.max.slash(house.channel, "queue")
    await house.env.advance_time(PER_S + 1)
    later = await house.mia.slash(house.channel, "queue")
    for answer in (other, somebody, later):
        assert "quick" not in answer.response.content


@pytest.mark.parametrize(
    ("command", "options"), [("cancel", {}), ("mod blocks", {}), ("mod filter list", {})]
)
async def test_what_is_needed_quickly_is_answered_ten_times(house: House, command: str, options):
    for _ in range(RATE_OFTEN):
        answer = await house.morgan.slash(house.channel, command, **options)
        assert "quick" not in (said(answer).content or "")
    _ = house.env.errors  # there was nothing to cancel
    answer = await house.morgan.slash(house.channel, command, **options)
    assert house.refusal(answer).startswith("That was quick.")


def said(result):
    return result.followups[0] if result.followups else result.response


async def test_menus_have_a_cooldown_too_and_typing_has_none(house: House):
    message = await house.max.send(house.channel, "look")
    for menu in menus(house):
        target = message if menu.type is AppCommandType.message else house.max
        person = house.mia if menu.default_permissions is None else house.morgan
        rate = RATE_OFTEN if menu.extras.get(OFTEN) else RATE
        answers = [
            await person.context_menu(house.channel, menu.name, target) for _ in range(rate + 1)
        ]
        assert "quick" in house.refusal(answers[-1]), menu.name
        assert all("quick" not in (one.content or "") for one in map(said, answers[:-1]))
    for _ in range(RATE + 1):
        assert await house.mia.autocomplete(house.channel, "imagine", "style", "")


async def test_only_the_latest_are_remembered(house: House, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bot.ui.cooldowns.REMEMBERED", 2)
    for command in ("help", "queue", "history"):
        await house.mia.slash(house.channel, command)
    assert len(house.app.cooldowns) == 2


async def test_commands_are_offered_wherever_one_can_ask_and_moderators_in_servers(house: House):
    for command in house.bot.tree.get_commands():
        sent = command.to_dict(house.bot.tree)
        places = (sent["contexts"], sent["integration_types"])
        inside = command.name in {"mod", "config", "Inspect generation", "Generation history"}
        assert places == (([0], [0]) if inside else ([0, 1, 2], [0, 1])), command.name


@pytest.mark.parametrize(
    ("name", "options", "line"),
    [
        ("history", {"days": 2**70}, "`days` must be 1 to 3650."),
        ("history", {"word": "x" * 101}, "`word` must be 1 to 100 characters."),
        ("imagine", {"prompt": "x", "strength": 0.0}, "`strength` must be 0.01 to 1."),
        (
            "settings reset",
            {"setting": "__class__"},
            say("error-invalid", field="setting", bound=say("bound-choice")),
        ),
    ],
)
async def test_bounds_hold_where_discord_knows_an_older_command(
    house: House, monkeypatch: pytest.MonkeyPatch, name: str, options: dict, line: str
):
    unchecked = "simcord.interactions.validate_option_value"
    monkeypatch.setattr(unchecked, lambda _name, _option, value: value)
    result = await house.mia.slash(house.channel, name, **options)
    _ = house.env.errors  # what is refused by the command itself
    assert result.ephemeral
    assert result.response.content == line

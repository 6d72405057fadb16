"""What holds for every command."""

from pathlib import Path

from discord import AppCommandType, Permissions, app_commands

from bot.cogs.help import describe
from tests.bot.conftest import House

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")


def commands(house: House) -> list[app_commands.Command]:
    walked = house.bot.tree.walk_commands()
    return [command for command in walked if isinstance(command, app_commands.Command)]


async def test_every_command_and_option_is_described_here_and_in_the_readme(house: House):
    assert len(commands(house)) >= 5
    for command in commands(house):
        assert f"/{command.qualified_name}" in README
        assert command.description not in ("", "…")
        for option in command.parameters:
            assert option.description not in ("", "…"), f"{command.qualified_name} {option.name}"
    for menu in house.bot.tree.get_commands(type=AppCommandType.message):
        assert menu.name in README


async def test_help_lists_what_one_may_use_and_fits_a_card(house: House):
    for person, moderates in ((house.mia, False), (house.morgan, True)):
        result = await person.slash(house.channel, "help")
        assert result.ephemeral
        for command in commands(house):
            listed = f"`/{command.qualified_name}`" in result.response.embeds[0].description
            group = command.qualified_name.partition(" ")[0]
            forbidden = group == "config" or (group == "mod" and not moderates)
            assert listed is not forbidden, command.qualified_name
    everything = "\n".join(describe(house.bot.tree, Permissions.all()))
    assert len(everything) <= 4096
    assert "Generation details" in everything

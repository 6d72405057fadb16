"""A second check of command options' limits.

Discord checks them as well, but by the commands it was last sent, whose limits may have differed.
"""

from functools import lru_cache
from typing import Any

import discord
from discord import AppCommandOptionType, app_commands

from bot.core.discord_limits import LARGEST_INTEGER, TEXT_OPTION_LENGTH
from bot.texts import say
from bot.ui.interaction import Interaction
from generation.errors import InvalidRequest
from generation.request import bounded

# What Discord accepts if a command sets no limits.
NUMBERS = (-LARGEST_INTEGER, LARGEST_INTEGER)
MOST_COMMANDS = 200  # whose parameters are in memory
LENGTHS = (0, TEXT_OPTION_LENGTH)


def check(interaction: Interaction) -> None:
    """Raise InvalidRequest, naming the option, if a command's option is out of bounds."""
    command = interaction.command
    given = interaction.type is discord.InteractionType.application_command
    if not given or not isinstance(command, app_commands.Command):
        return
    for option in _parameters(command):
        value = getattr(interaction.namespace, option.display_name, None)
        if value is not None:
            _check(option, value)


@lru_cache(MOST_COMMANDS)
def _parameters(command: app_commands.Command[Any, ..., Any]) -> list[app_commands.Parameter]:
    return command.parameters  # made anew each time


def _check(option: app_commands.Parameter, value: Any) -> None:  # noqa: ANN401
    name = option.display_name
    least, most = option.min_value, option.max_value
    if option.choices:
        if value not in [choice.value for choice in option.choices]:
            raise InvalidRequest(name, say("bound-choice"))
    elif option.type is AppCommandOptionType.string:
        least, most = _or(least, LENGTHS[0]), _or(most, LENGTHS[1])
        if not least <= len(value) <= most:
            raise InvalidRequest(name, say("bound-characters", least=str(least), most=str(most)))
    elif option.type in (AppCommandOptionType.integer, AppCommandOptionType.number):
        bounded(name, value, (_or(least, NUMBERS[0]), _or(most, NUMBERS[1])))


def _or(said: float | None, otherwise: float) -> float:
    return otherwise if said is None else said

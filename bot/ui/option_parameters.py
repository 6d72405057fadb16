"""Options as parameters of slash commands."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from inspect import Parameter, Signature
from types import MethodType
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.core.discord_limits import CHOICES, TEXT_OPTION_LENGTH
from bot.options.adapters.value import Adapters
from bot.options.registry import Option
from bot.options.values import Name, Number, OneOf, Text, Truth, Upload, Value, Whole
from bot.texts import say
from bot.ui.autocomplete import catalog_here, matching
from bot.ui.interaction import Interaction
from generation.errors import InvalidRequest

# mypy takes its bounds for types.
_RANGE: Any = app_commands.Range

Answer = Callable[..., Awaitable[None]]
Offer = Callable[[Interaction, str], Coroutine[Any, Any, list[app_commands.Choice[str]]]]
EVERYTHING = "everything"  # typed to reset all settings


def option_command(
    cog: commands.Cog,
    answer: Answer,
    options: Sequence[Option],
    about: Callable[[Option], str],
    own: Mapping[str, tuple[Any, str]] | None = None,
    **settings: Any,  # noqa: ANN401
) -> app_commands.Command[Any, ..., None]:
    """Return a command with options as parameters; ``answer`` gets the given ones, by name.

    ``about`` describes each. They are followed by the command's ``own`` parameters, with types and
    descriptions. A command that requires none of its options sets defaults, which cannot be empty
    texts.
    """
    least_length = 0 if any(one.required for one in options) else 1
    parameters = [_parameter(one, least_length) for one in options]
    described = {one.field: about(one) for one in options}
    for name, (kind, description) in (own or {}).items():
        parameters.append(_optional(name, kind))
        described[name] = description

    async def called(_: commands.Cog, interaction: Interaction, **given: object) -> None:
        said = {name: value for name, value in given.items() if value is not None}
        await answer(interaction, **said)

    interaction = Parameter("interaction", Parameter.POSITIONAL_OR_KEYWORD)
    called.__signature__ = Signature([interaction, *parameters])  # type: ignore[attr-defined]
    offered = {one.field: offering(one) for one in options if one.offers is not None}
    menus = {
        one.field: _choices(one.value)
        for one in options
        if isinstance(one.value, OneOf) and one.offers is None
    }
    app_commands.describe(**described)(called)
    app_commands.choices(**menus)(called)
    app_commands.autocomplete(**offered)(called)
    # Bound to the cog, so that its checks apply.
    return app_commands.Command(callback=MethodType(called, cog), **settings)


def insert(
    cog: commands.GroupCog, command: app_commands.Command[Any, ..., None], *, before: str
) -> None:
    """Insert a command into a cog's group before another: this is the order people see."""
    group = cog.app_command
    if group is None:
        raise TypeError(f"{cog.qualified_name} has no group")
    others = group.commands
    at = [one.name for one in others].index(before)
    for one in others[at:]:
        group.remove_command(one.name)
    for one in (command, *others[at:]):
        group.add_command(one)


def resettable(names: Callable[[], Sequence[str]]) -> Offer:
    """Return an autocomplete for settings to reset, which may exceed Discord's choices."""

    async def offer(_: Interaction, current: str) -> list[app_commands.Choice[str]]:
        return matching((EVERYTHING, *names()), current)

    return offer


def chosen(setting: str, names: Sequence[str]) -> Sequence[str]:
    """Return the settings to reset; raises InvalidRequest if there is none of that name."""
    if setting == EVERYTHING:
        return names
    if setting not in names:
        raise InvalidRequest("setting", say("bound-choice"))
    return [setting]


def _parameter(option: Option, least_length: int) -> Parameter:
    kind = _annotation(option.value, least_length)
    if option.required:
        return Parameter(option.field, Parameter.KEYWORD_ONLY, annotation=kind)
    return _optional(option.field, kind)


def _optional(name: str, kind: Any) -> Parameter:  # noqa: ANN401
    return Parameter(name, Parameter.KEYWORD_ONLY, annotation=kind | None, default=None)


def _annotation(value: Value, least_length: int) -> Any:  # noqa: ANN401
    """Return discord.py's annotation for a kind of value."""
    match value:
        case Whole(least, most):
            return _RANGE[int, least, most]
        case Number(least, most):
            return _RANGE[float, least, most]
        case Name() | OneOf() | Adapters():
            return str
        case Text(least, most):
            return _RANGE[str, max(least, least_length), min(most, TEXT_OPTION_LENGTH)]
        case Truth():
            return bool
        case Upload():
            return discord.Attachment
    raise TypeError(f"Discord has no parameters for {value}")


def _choices(value: OneOf) -> list[app_commands.Choice[str]]:
    names = list(value.names)[:CHOICES]
    return [app_commands.Choice(name=value.label(one), value=str(one)) for one in names]


def offering(option: Option) -> Offer:
    """Return the autocomplete of an option that offers something."""
    offers = option.offers or (lambda *_: ())

    async def offer(interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        said = dict(iter(interaction.namespace))
        return matching(offers(catalog_here(interaction), said), current)

    return offer

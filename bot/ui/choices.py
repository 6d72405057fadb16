"""What Discord offers while somebody types an option: the catalog's names, shapes, samplers."""

from collections.abc import Iterable
from typing import Any

import discord
from discord import app_commands

from bot.discord_limits import CHOICE_NAME_LENGTH, CHOICES
from bot.services.offering import in_place, offered
from bot.texts import say
from bot.texts.inert import plain
from bot.ui.eyes import is_age_restricted
from bot.ui.interaction import app_of
from generation.catalog import Catalog
from generation.request import Aspect

ASPECTS = [app_commands.Choice(name=say(f"aspect.{one}"), value=str(one)) for one in Aspect]


async def checkpoints(
    interaction: discord.Interaction[Any], current: str
) -> list[app_commands.Choice[str]]:
    """Offer the checkpoints that may draw in this place."""
    here = is_age_restricted(interaction.channel)
    found = offered(_catalog(interaction).checkpoints, age_restricted=here)
    return matching([checkpoint.name for checkpoint in found], current)


async def styles(
    interaction: discord.Interaction[Any], current: str
) -> list[app_commands.Choice[str]]:
    """Offer the styles that fit the checkpoint that was picked, if one was."""
    picked = getattr(interaction.namespace, "checkpoint", None)
    here = is_age_restricted(interaction.channel)
    found = offered(_catalog(interaction).styles, age_restricted=here)
    return matching([one.name for one in found if not picked or one.fits(picked)], current)


async def samplers(
    interaction: discord.Interaction[Any], current: str
) -> list[app_commands.Choice[str]]:
    """Offer the samplers of the checkpoint that was picked, or of the default one."""
    catalog = _catalog(interaction)
    picked = getattr(interaction.namespace, "checkpoint", None)
    checkpoint = catalog[picked if picked in catalog.names else catalog.default]
    return matching(checkpoint.samplers, current)


def matching(names: Iterable[str], typed: str) -> list[app_commands.Choice[str]]:
    """Offer those of the names that hold what was typed so far."""
    found = [name for name in names if typed.casefold() in name.casefold()]
    return [
        app_commands.Choice(name=plain(name, CHOICE_NAME_LENGTH), value=name)
        for name in found
        if len(name) <= CHOICE_NAME_LENGTH  # Discord takes no longer value
    ][:CHOICES]


def catalog_here(interaction: discord.Interaction[Any]) -> Catalog:
    """Return the catalog as it is in this place."""
    here = is_age_restricted(interaction.channel)
    return in_place(_catalog(interaction), age_restricted=here)


def _catalog(interaction: discord.Interaction[Any]) -> Catalog:
    return app_of(interaction).catalog


def described() -> dict[str, str]:
    """Return what the options say that stand for `Preferences`."""
    return {
        "checkpoint": say("preference.checkpoint"),
        "aspect": say("preference.aspect"),
        "steps": say("preference.steps"),
        "guidance_scale": say("preference.guidance"),
        "count": say("preference.count"),
        "style": say("preference.style"),
        "sampler": say("preference.sampler"),
    }

"""Autocomplete for options."""

from collections.abc import Iterable

from discord import app_commands

from bot.core.admission.offered import in_place
from bot.core.discord_limits import CHOICE_NAME_LENGTH, CHOICES
from bot.texts.inert import plain
from bot.ui.eyes import is_age_restricted
from bot.ui.interaction import Interaction, app_of
from bot.ui.interaction_context import role_ids_of
from generation.catalog import Catalog


def matching(names: Iterable[str], typed: str) -> list[app_commands.Choice[str]]:
    """Return the names that contain what was typed so far."""
    found = [name for name in names if typed.casefold() in name.casefold()]
    return [
        app_commands.Choice(name=plain(name, CHOICE_NAME_LENGTH), value=name)
        for name in found
        if len(name) <= CHOICE_NAME_LENGTH  # Discord accepts no longer value
    ][:CHOICES]


def catalog_here(interaction: Interaction) -> Catalog:
    """Return what the person can choose in this place."""
    return in_place(
        app_of(interaction).catalog,
        age_restricted=is_age_restricted(interaction.channel),
        role_ids=role_ids_of(interaction.user),
    )

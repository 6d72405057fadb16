"""Autocomplete for options."""

import re
from collections.abc import Iterable, Mapping, Sequence

from discord import app_commands

from bot.core.admission.offered import in_place
from bot.core.admission.rule_store import NOTHING_SAID
from bot.core.discord_limits import CHOICE_NAME_LENGTH, CHOICES
from bot.texts.inert import plain
from bot.ui.eyes import is_age_restricted
from bot.ui.interaction import Interaction, app_of
from bot.ui.interaction_context import channel_ids_of, role_ids_of
from generation.catalog import Catalog

# File names part their words otherwise than people do.
_BETWEEN = re.compile(r"[\s_.-]+")


def matching(names: Iterable[str], typed: str) -> list[app_commands.Choice[str]]:
    """Return the names that fit what was typed so far, as far as Discord takes them.

    Those of a mapping are shown and found by its values.
    """
    labels = names if isinstance(names, Mapping) else {name: name for name in names}
    values = {label: name for name, label in labels.items()}
    return [
        app_commands.Choice(name=plain(label, CHOICE_NAME_LENGTH), value=values[label])
        for label in search(values, typed)
        if len(values[label]) <= CHOICE_NAME_LENGTH  # Discord accepts no longer value
    ][:CHOICES]


def search(names: Iterable[str], typed: str) -> Sequence[str]:
    """Return the names with all words that were typed, or parts of words, whatever their order.

    Those that begin so come first, then those in which a word begins so; otherwise their order
    stays.
    """
    words = _words(typed)
    if not words:
        return list(names)
    found: list[tuple[int, str]] = []
    for name in names:
        plainly = " ".join(_words(name))
        if typed.casefold() in name.casefold() or all(word in plainly for word in words):
            rank = 0 if plainly.startswith(words[0]) else 1 if f" {words[0]}" in plainly else 2
            found.append((rank, name))
    return [name for _, name in sorted(found, key=lambda one: one[0])]


def catalog_here(interaction: Interaction, *, ruled: bool = True) -> Catalog:
    """Return what the person can choose in this place; unless ``ruled``, whatever its rules say."""
    app = app_of(interaction)
    held = app.rules.hold(interaction.guild_id, channel_ids_of(interaction))
    return in_place(
        app.catalog,
        age_restricted=is_age_restricted(interaction.channel),
        role_ids=role_ids_of(interaction.user),
        rules=held if ruled else NOTHING_SAID,
    )


def _words(text: str) -> list[str]:
    return [word for word in _BETWEEN.split(text.casefold()) if word]

"""/settings: a person's default options."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.core.default_store import DefaultsStore
from bot.core.jobs.job_service import JobService
from bot.core.quotas.quotas import Quotas
from bot.options.image_options import ImageOptions
from bot.options.registry import Layer, with_defaults
from bot.options.resolve import by_catalog
from bot.texts import say
from bot.ui.autocomplete import catalog_here
from bot.ui.interaction import Interaction
from bot.ui.interaction_context import request_context_of
from bot.ui.option_parameters import chosen, insert, option_command, resettable
from bot.ui.pages.rule_cards import standing_line, value_line

if TYPE_CHECKING:
    from bot.app import App


def _names() -> Sequence[str]:
    return [option.field for option in with_defaults(Layer.PERSON)]


class SettingsCog(
    commands.GroupCog, group_name="settings", group_description=say("command-settings")
):
    """Commands for one's own defaults; each subcommand replies with the current ones."""

    def __init__(self, defaults: DefaultsStore, jobs: JobService, quotas: Quotas) -> None:
        self.defaults, self.jobs, self.quotas = defaults, jobs, quotas
        setting = option_command(
            self,
            self.set,
            with_defaults(Layer.PERSON),
            lambda option: say(f"preference.{option.key}"),
            name="set",
            description=say("command-settings-set"),
        )
        insert(self, setting, before="reset")

    @app_commands.command(description=say("command-settings-show"))
    async def show(self, interaction: Interaction) -> None:
        """Show the defaults in an ephemeral reply, with what is left of the daily quota."""
        await self._answer(interaction, await self.defaults.get(interaction.user.id))

    async def set(self, interaction: Interaction, **given: Any) -> None:  # noqa: ANN401
        """Set the given defaults, and keep the others."""
        named = by_catalog(catalog_here(interaction), given)
        await self._answer(interaction, await self.defaults.change(interaction.user.id, named))

    @app_commands.command(description=say("command-settings-reset"))
    @app_commands.describe(setting=say("command-settings-reset.setting"))
    @app_commands.autocomplete(setting=resettable(_names))
    async def reset(self, interaction: Interaction, setting: str) -> None:
        """Reset one default, or all."""
        changes = dict.fromkeys(chosen(setting, _names()))
        await self._answer(interaction, await self.defaults.change(interaction.user.id, changes))

    async def _answer(self, interaction: Interaction, mine: ImageOptions) -> None:
        lines = [value_line(field, mine.get(field)) for field in _names()]
        quota_status = await self.quotas.standing_of(request_context_of(interaction))
        if quota_status is not None:
            lines.append(standing_line(quota_status))
        card = discord.Embed(description=say("settings-card") + "\n" + "\n".join(lines))
        await interaction.response.send_message(embed=card, ephemeral=True)


def setup(app: "App") -> None:
    """Add the commands, and apply people's defaults."""
    app.add_cog(SettingsCog(app.defaults, app.jobs, app.get(Quotas)))

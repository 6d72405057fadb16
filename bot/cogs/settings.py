"""/settings: a person's own defaults."""

from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.services.filling import by_catalog
from bot.services.jobs import JobService
from bot.services.quotas import Quotas
from bot.store.defaults import Defaults, DefaultsStore
from bot.texts import say
from bot.ui import choices
from bot.ui.asking import asked_by
from bot.ui.rules import standing_line, value_line
from generation.request import COUNT, GUIDANCE, PROMPT_LENGTH, STEPS

if TYPE_CHECKING:
    from bot.app import App

EVERYTHING = "everything"
SETTINGS = [app_commands.Choice(name=name, value=name) for name in (EVERYTHING, *Defaults.CHECKS)]


class SettingsCog(
    commands.GroupCog, group_name="settings", group_description=say("command-settings")
):
    """Everybody's own; each subcommand answers with what is set then."""

    def __init__(self, defaults: DefaultsStore, jobs: JobService, quotas: Quotas) -> None:
        self.defaults, self.jobs, self.quotas = defaults, jobs, quotas

    @app_commands.command(description=say("command-settings-show"))
    async def show(self, interaction: discord.Interaction[Any]) -> None:
        """Show them privately, with what is left of the day."""
        await self._answer(interaction, await self.defaults.get(interaction.user.id))

    @app_commands.command(name="set", description=say("command-settings-set"))
    @app_commands.describe(
        **choices.described(),
        negative_prompt=say("command-settings-set.negative-prompt"),
        private=say("command-settings-set.private"),
    )
    @app_commands.choices(aspect=choices.ASPECTS)
    @app_commands.autocomplete(
        checkpoint=choices.checkpoints, style=choices.styles, sampler=choices.samplers
    )
    async def set_(
        self,
        interaction: discord.Interaction[Any],
        checkpoint: str | None = None,
        aspect: str | None = None,
        steps: app_commands.Range[int, STEPS[0], STEPS[1]] | None = None,
        guidance_scale: app_commands.Range[float, GUIDANCE[0], GUIDANCE[1]] | None = None,
        count: app_commands.Range[int, COUNT[0], COUNT[1]] | None = None,
        style: str | None = None,
        sampler: str | None = None,
        negative_prompt: app_commands.Range[str, 1, PROMPT_LENGTH] | None = None,
        private: bool | None = None,
    ) -> None:
        """Set what was given, and leave the rest."""
        given = {
            "checkpoint": checkpoint,
            "aspect": aspect,
            "steps": steps,
            "guidance_scale": guidance_scale,
            "count": count,
            "style": style,
            "sampler": sampler,
            "negative_prompt": negative_prompt and negative_prompt.strip(),
            "private": private,
        }
        changes = {field: value for field, value in given.items() if value is not None}
        named = by_catalog(choices.catalog_here(interaction), changes)
        await self._answer(interaction, await self.defaults.change(interaction.user.id, named))

    @app_commands.command(description=say("command-settings-reset"))
    @app_commands.describe(setting=say("command-settings-reset.setting"))
    @app_commands.choices(setting=SETTINGS)
    async def reset(self, interaction: discord.Interaction[Any], setting: str) -> None:
        """Take one back, or all."""
        fields = Defaults.CHECKS if setting == EVERYTHING else (setting,)
        changes = dict.fromkeys(fields)
        await self._answer(interaction, await self.defaults.change(interaction.user.id, changes))

    async def _answer(self, interaction: discord.Interaction[Any], mine: Defaults) -> None:
        said = mine.said()
        lines = [value_line(field, said.get(field)) for field in Defaults.CHECKS]
        standing = await self.quotas.standing_of(asked_by(interaction))
        if standing is not None:
            lines.append(standing_line(standing))
        card = discord.Embed(description=say("settings-card") + "\n" + "\n".join(lines))
        await interaction.response.send_message(embed=card, ephemeral=True)


def setup(app: "App") -> None:
    """Keep what people like in the gaps of what they ask for."""
    app.add_cog(SettingsCog(app.defaults, app.jobs, app.get(Quotas)))

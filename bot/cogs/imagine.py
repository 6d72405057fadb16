"""/imagine."""

from collections.abc import Iterable
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.services.jobs import JobService
from bot.services.offering import offered
from bot.services.parameters import wishes_of
from bot.services.requests import DEFAULT_COUNT, DEFAULT_STRENGTH, Wish
from bot.texts import say
from bot.ui.asking import asked_by, fetch, is_age_restricted
from bot.ui.confirming import ask_for
from generation.request import COUNT, GUIDANCE, PROMPT_LENGTH, SEED, STEPS, Aspect

MENU_LENGTH = 25  # Discord shows at most this many choices

SHAPES = {
    Aspect.SQUARE: "square",
    Aspect.PORTRAIT: "portrait 2:3",
    Aspect.LANDSCAPE: "landscape 3:2",
    Aspect.WIDE: "wide 16:9",
    Aspect.TALL: "tall 9:16",
}
ASPECTS = [app_commands.Choice(name=name, value=str(aspect)) for aspect, name in SHAPES.items()]


class ImagineCog(commands.Cog):
    """Pictures from words."""

    def __init__(self, jobs: JobService) -> None:
        self.jobs = jobs

    @app_commands.command(description="Develop pictures from a description")
    @app_commands.describe(
        prompt="What to draw",
        negative_prompt="What to keep out of the picture",
        aspect="The shape of the picture (square)",
        count=f"How many pictures ({DEFAULT_COUNT})",
        steps="Denoising steps: more take longer and add detail",
        guidance_scale="How closely to follow the prompt",
        seed="The same seed and settings draw the same picture again",
        sampler="The noise scheduler",
        checkpoint="The model that draws",
        style=say("command-imagine.style"),
        image="A picture to start from: PNG, JPEG or WebP, cropped to the shape",
        strength=f"How much of that picture is redrawn ({DEFAULT_STRENGTH:g})",
    )
    @app_commands.choices(aspect=ASPECTS)
    async def imagine(
        self,
        interaction: discord.Interaction[Any],
        prompt: app_commands.Range[str, 1, PROMPT_LENGTH],
        negative_prompt: app_commands.Range[str, 0, PROMPT_LENGTH] = "",
        aspect: str | None = None,
        count: app_commands.Range[int, COUNT[0], COUNT[1]] | None = None,
        steps: app_commands.Range[int, STEPS[0], STEPS[1]] | None = None,
        guidance_scale: app_commands.Range[float, GUIDANCE[0], GUIDANCE[1]] | None = None,
        seed: app_commands.Range[int, SEED[0], SEED[1]] | None = None,
        sampler: str | None = None,
        checkpoint: str | None = None,
        style: str | None = None,
        image: discord.Attachment | None = None,
        strength: app_commands.Range[float, 0.01, 1.0] | None = None,
    ) -> None:
        """Record the wish, answer with the message that will carry it, and line it up."""
        wish = Wish(
            prompt=prompt,
            negative_prompt=negative_prompt,
            aspect=aspect,
            count=count,
            steps=steps,
            guidance_scale=guidance_scale,
            seed=seed,
            sampler=sampler,
            checkpoint=checkpoint,
            style=style,
            strength=strength,
        )
        asked = asked_by(interaction)
        wishes = await self.jobs.complete(wishes_of(wish, self.jobs.catalog), asked)
        file = None if image is None else await fetch("image", image)
        await ask_for(interaction, self.jobs, wishes, file)

    @imagine.autocomplete("checkpoint")
    async def checkpoint_names(
        self,
        interaction: discord.Interaction[Any],
        current: str,
    ) -> list[app_commands.Choice[str]]:
        """Offer the catalog's names that hold what was typed so far."""
        here = is_age_restricted(interaction.channel)
        found = offered(self.jobs.catalog.checkpoints, age_restricted=here)
        return _choices([checkpoint.name for checkpoint in found], current)

    @imagine.autocomplete("style")
    async def style_names(
        self, interaction: discord.Interaction[Any], current: str
    ) -> list[app_commands.Choice[str]]:
        """Offer the styles that fit the checkpoint that was picked, if one was."""
        picked = getattr(interaction.namespace, "checkpoint", None)
        here = is_age_restricted(interaction.channel)
        found = offered(self.jobs.catalog.styles, age_restricted=here)
        return _choices([one.name for one in found if not picked or one.fits(picked)], current)

    @imagine.autocomplete("sampler")
    async def samplers(
        self, interaction: discord.Interaction[Any], current: str
    ) -> list[app_commands.Choice[str]]:
        """Offer the samplers of the checkpoint that was picked, or of the default one."""
        catalog = self.jobs.catalog
        picked = getattr(interaction.namespace, "checkpoint", None)
        checkpoint = catalog[picked if picked in catalog.names else catalog.default]
        return _choices(checkpoint.samplers, current)


def _choices(names: Iterable[str], typed: str) -> list[app_commands.Choice[str]]:
    """Offer those of the names that hold what was typed so far."""
    found = [name for name in names if typed.casefold() in name.casefold()]
    return [app_commands.Choice(name=name, value=name) for name in found[:MENU_LENGTH]]

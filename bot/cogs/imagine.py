"""/imagine."""

from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.services.jobs import JobService
from bot.services.parameters import wishes_of
from bot.services.requests import Wish
from bot.texts import say
from bot.ui import choices
from bot.ui.confirming import ask_for
from bot.ui.cooldowns import UNDER_POLICY
from generation.request import COUNT, GUIDANCE, PROMPT_LENGTH, SEED, STEPS

if TYPE_CHECKING:
    from bot.app import App


class ImagineCog(commands.Cog):
    """Pictures from words."""

    def __init__(self, jobs: JobService) -> None:
        self.jobs = jobs

    @app_commands.command(description=say("command-imagine"), extras={UNDER_POLICY: True})
    @app_commands.describe(
        prompt=say("command-imagine.prompt"),
        negative_prompt=say("command-imagine.negative-prompt"),
        aspect=say("command-imagine.aspect"),
        count=say("command-imagine.count"),
        steps=say("command-imagine.steps"),
        guidance_scale=say("command-imagine.guidance"),
        seed=say("command-imagine.seed"),
        sampler=say("command-imagine.sampler"),
        checkpoint=say("command-imagine.checkpoint"),
        style=say("command-imagine.style"),
        image=say("command-imagine.image"),
        strength=say("command-imagine.strength"),
        private=say("command-imagine.private"),
    )
    @app_commands.choices(aspect=choices.ASPECTS)
    @app_commands.autocomplete(
        checkpoint=choices.checkpoints, style=choices.styles, sampler=choices.samplers
    )
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
        private: bool | None = None,
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
        wishes = wishes_of(wish, choices.catalog_here(interaction))
        await ask_for(interaction, self.jobs, wishes, image, private=private)


def setup(app: "App") -> None:
    """Draw what people ask for."""
    app.add_cog(ImagineCog(app.jobs))

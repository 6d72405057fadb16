"""/describe: prompts for a picture, from a captioner, and from what its file says."""

import discord
from discord import app_commands
from discord.ext import commands

from bot.core.errors import FileUnavailable, NothingToDo
from bot.core.jobs.job_service import JobService
from bot.features.inspect.captioning import Captioning
from bot.features.inspect.offer import Card, Offer, card_of
from bot.options.image_options import ImageOptions
from bot.texts import say
from bot.texts.inert import inert
from bot.ui.autocomplete import catalog_here
from bot.ui.interaction import Interaction
from bot.ui.interaction_context import fetch, request_context_of

SIDE = 512  # pixels of the longer side that a captioner gets; most look at 224 to 384


class DescribingCog(commands.Cog):
    """Says in words what a picture shows."""

    def __init__(self, jobs: JobService, captioning: Captioning) -> None:
        self.jobs, self.captioning = jobs, captioning

    async def cog_unload(self) -> None:
        """End the captioner's process."""
        await self.captioning.close()

    @app_commands.command(description=say("command-describe"))
    @app_commands.describe(image=say("command-describe.image"))
    async def describe(self, interaction: Interaction, image: discord.Attachment) -> None:
        """Show prompts for the picture in an ephemeral reply, each with a button."""
        here = catalog_here(interaction)
        await interaction.response.defer(ephemeral=True, thinking=True)
        if here.captioners:  # which is work that not everybody may ask for
            await self.jobs.may_look(request_context_of(interaction))
        data = await fetch(interaction, "image", image)
        found = await self.jobs.decoder.read(data)
        card = None if found is None else card_of(found, here)
        if not here.captioners:
            if card is None:
                raise NothingToDo(say("error-no-captioner"))
            note = "" if card.alike else say("error-no-captioner")
            await self._show(interaction, card, [], note)
            return
        try:
            captions = await self.captioning.describe(here.captioners[0], await self._small(data))
        except FileUnavailable as error:
            if card is None:
                raise
            await self._show(interaction, card, [], str(error))
            return
        if not captions and card is None:
            raise NothingToDo(say("error-no-captions"))
        await self._show(interaction, card, captions)

    async def _small(self, data: bytes) -> bytes:
        """Return a PNG of the whole picture, in the size that a captioner gets."""
        width, height = await self.jobs.decoder.check(data)
        scale = min(1.0, SIDE / max(width, height))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        return (await self.jobs.decoder.prepare(data, *size))[0]

    async def _show(
        self, interaction: Interaction, card: Card | None, captions: list[str], note: str = ""
    ) -> None:
        """Fill the deferred reply in."""
        embeds = [] if card is None else [card.embed]
        if captions:
            lines = [f"**{number}** {inert(one)}" for number, one in enumerate(captions, 1)]
            embeds.insert(0, discord.Embed(title=say("captions"), description="\n".join(lines)))
        alike: ImageOptions | None = None if card is None else card.alike
        view = Offer(self.jobs, alike, interaction, captions) if captions or alike else None
        await interaction.edit_original_response(content=note or None, embeds=embeds, view=view)

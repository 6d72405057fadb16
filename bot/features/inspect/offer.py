"""What a file says, and the buttons that draw something like it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import discord

from bot.core.jobs.job_service import JobService
from bot.features.inspect.service import likeness
from bot.options.image_options import ImageOptions
from bot.options.permutations import escape
from bot.texts import say
from bot.texts.inert import inert
from bot.ui.delivery.first_answer import first_answer
from bot.ui.forms import imagine_form
from bot.ui.interaction import Interaction, app_of
from bot.ui.interaction_context import request_context_of
from bot.ui.pages import embeds
from bot.ui.views import PrivateView
from generation.catalog import Catalog
from generation.errors import InvalidRequest
from generation.metadata.infotext import Parameters


@dataclass(frozen=True, slots=True)
class Card:
    """What a file says; ``alike`` are options for a similar picture, None where none can be had."""

    embed: discord.Embed
    alike: ImageOptions | None = None


def card_of(found: Parameters, catalog: Catalog) -> Card:
    """Return what a file says of itself, and what can be drawn like it here."""
    if not found.says_how:
        line = say("error-file-of-program", program=inert(found.program or ""))
        return Card(discord.Embed(description=line))
    try:
        alike = likeness(found, catalog)
    except InvalidRequest as error:  # no prompt, or one too long: there is nothing to offer
        return Card(embeds.parameters(found, (), say("file-no-offer", bound=str(error.bound))))
    return Card(embeds.parameters(found, alike.left_out), alike)


class Offer(PrivateView):
    """The buttons that draw: one for what the file says, and one for each of some captions.

    The first disappears, with the others, after use or a timeout.
    """

    def __init__(
        self,
        jobs: JobService,
        alike: ImageOptions | None,
        interaction: Interaction,
        captions: Sequence[str] = (),
    ) -> None:
        super().__init__(interaction)
        self._jobs, self._alike = jobs, alike
        self.use.label = say("button-use-these")
        if alike is None:
            self.remove_item(self.use)
        for number, caption in enumerate(captions, 1):
            self.add_item(_Draw(number, caption))

    @discord.ui.button(emoji="🎞️")
    async def use(self, interaction: Interaction, _: discord.ui.Button["Offer"]) -> None:
        """Make the job, as /imagine would."""
        assert self._alike is not None  # noqa: S101 - or the button would not be there
        app_of(interaction).cooldowns.request(interaction)
        mine = await self._jobs.defaults(interaction.user.id)
        context = request_context_of(interaction, private=bool(mine.get("private")))
        said = self._jobs.complete_alike(self._alike, mine, context)
        job = await self._jobs.imagine(said, context)
        await first_answer(interaction, self._jobs, job)
        await self.on_timeout()


class _Draw(discord.ui.Button[Offer]):
    """Opens a form with a caption as the prompt, to be changed or sent."""

    def __init__(self, number: int, caption: str) -> None:
        super().__init__(emoji="🎨", label=str(number), row=1)
        self._caption = caption

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Open it."""
        form = imagine_form(interaction, {"prompt": escape(self._caption)})
        await interaction.response.send_modal(form)

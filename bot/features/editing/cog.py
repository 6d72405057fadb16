"""/edit and /outpaint: drawing over a part of a person's own picture, and around it."""

from functools import partial
from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.core.admission.request_context import RequestContext
from bot.core.discord_limits import TEXT_OPTION_LENGTH
from bot.core.jobs.job_service import JobService
from bot.features.editing.panel import Panels, submitted
from bot.features.editing.region import TEMPLATE
from bot.options.arguments import all_said
from bot.options.image_options import ImageOptions
from bot.texts import say
from bot.ui.autocomplete import catalog_here
from bot.ui.cooldowns import UNDER_POLICY
from bot.ui.delivery.first_answer import first_answer
from bot.ui.interaction import Interaction
from bot.ui.interaction_context import fetch, request_context_of
from generation.editing.framing import ZOOM
from generation.editing.outpaint import Sides
from generation.errors import InvalidRequest
from generation.request import FEATHER, SIDE

if TYPE_CHECKING:
    from bot.app import App

# mypy takes its bounds for types.
_RANGE: Any = app_commands.Range


class EditingCog(commands.Cog):
    """Edits any picture that a person brings."""

    def __init__(self, jobs: JobService) -> None:
        self.jobs = jobs

    @app_commands.command(description=say("command-edit"), extras={UNDER_POLICY: True})
    @app_commands.describe(
        image=say("command-edit.image"),
        prompt=say("command-edit.prompt"),
        mask=say("command-edit.mask"),
        strength=say("command-edit.strength"),
        feather=say("command-edit.feather"),
        private=say("command-edit.private"),
    )
    async def edit(
        self,
        interaction: Interaction,
        image: discord.Attachment,
        prompt: _RANGE[str, 1, TEXT_OPTION_LENGTH],
        mask: discord.Attachment | None = None,
        strength: _RANGE[float, 0.01, 1.0] | None = None,
        feather: _RANGE[int, FEATHER[0], FEATHER[1]] | None = None,
        private: bool | None = None,
    ) -> None:
        """Record the request, reply with the job's message, and queue the job."""
        said, context = await self._asked(interaction, prompt, strength, private=private)
        job = await self.jobs.derived.inpaint_file(
            said,
            context,
            image=partial(fetch, interaction, "image", image),
            mask=None if mask is None else partial(fetch, interaction, "mask", mask),
            feather=feather,
        )
        await first_answer(interaction, self.jobs, job)

    @app_commands.command(description=say("command-outpaint"), extras={UNDER_POLICY: True})
    @app_commands.describe(
        image=say("command-outpaint.image"),
        prompt=say("command-outpaint.prompt"),
        zoom=say("command-outpaint.zoom"),
        left=say("command-outpaint.left"),
        right=say("command-outpaint.right"),
        top=say("command-outpaint.top"),
        bottom=say("command-outpaint.bottom"),
        private=say("command-outpaint.private"),
    )
    async def outpaint(
        self,
        interaction: Interaction,
        image: discord.Attachment,
        prompt: _RANGE[str, 1, TEXT_OPTION_LENGTH],
        zoom: _RANGE[float, ZOOM[0], ZOOM[1]] | None = None,
        left: _RANGE[int, 0, SIDE[1]] = 0,
        right: _RANGE[int, 0, SIDE[1]] = 0,
        top: _RANGE[int, 0, SIDE[1]] = 0,
        bottom: _RANGE[int, 0, SIDE[1]] = 0,
        private: bool | None = None,
    ) -> None:
        """Record the request, reply with the job's message, and queue the job."""
        sides = Sides(left, top, right, bottom)
        if (zoom is None) != any(sides):
            raise InvalidRequest("zoom", say("bound-zoom-or-sides"))
        said, context = await self._asked(interaction, prompt, None, private=private)
        job = await self.jobs.derived.outpaint_file(
            said,
            context,
            image=partial(fetch, interaction, "image", image),
            zoom=zoom,
            sides=sides,
        )
        await first_answer(interaction, self.jobs, job)

    async def _asked(
        self,
        interaction: Interaction,
        prompt: str,
        strength: float | None,
        *,
        private: bool | None,
    ) -> tuple[ImageOptions, RequestContext]:
        """Return the options of one job, completed as /imagine's are, and who asks for it."""
        said = ImageOptions(prompt=prompt, strength=strength)
        jobs = all_said(said, catalog_here(interaction))
        if len(jobs) > 1:
            raise InvalidRequest("prompt", say("bound-one-prompt"))
        if "hires" in jobs[0]:
            raise InvalidRequest("hires", say("bound-hires-mask"))
        mine = await self.jobs.defaults(interaction.user.id)
        private = bool(mine.get("private")) if private is None else private
        context = request_context_of(interaction, private=private)
        (said,) = self.jobs.complete(jobs, mine, context)
        return said, context


def setup(app: "App") -> None:
    """Add the commands, and what the panel's buttons and form need."""
    app.provide(Panels())
    app.forms.append((TEMPLATE, submitted))
    app.add_cog(EditingCog(app.jobs))

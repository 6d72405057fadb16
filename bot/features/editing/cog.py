"""/edit and /outpaint: drawing over a part of a person's own picture, and around it."""

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.core.admission.request_context import RequestContext
from bot.core.discord_limits import TEXT_OPTION_LENGTH
from bot.core.jobs.derived.derived_jobs import Fetch
from bot.core.jobs.derived.edited_jobs import FindMask
from bot.core.jobs.job_service import JobService
from bot.features.editing.finding import Finding, installed, mask_png
from bot.features.editing.panel import Panels, submitted
from bot.features.editing.region import TEMPLATE
from bot.options.arguments import all_said
from bot.options.image_options import ImageOptions
from bot.options.registry import OPTIONS
from bot.texts import say
from bot.ui.autocomplete import catalog_here
from bot.ui.cooldowns import UNDER_POLICY
from bot.ui.delivery.first_answer import first_answer
from bot.ui.delivery.thinking import thinking
from bot.ui.interaction import Interaction, app_of
from bot.ui.interaction_context import fetch, request_context_of
from bot.ui.option_parameters import offering
from generation.editing.framing import ZOOM
from generation.editing.sides import Sides
from generation.errors import InvalidRequest
from generation.request import FEATHER, SIDE
from generation.vision.segmenters import WORDS_LENGTH, phrases_of

if TYPE_CHECKING:
    from bot.app import App

# mypy takes its bounds for types.
_RANGE: Any = app_commands.Range


class EditingCog(commands.Cog):
    """Edits any picture that a person brings."""

    def __init__(self, jobs: JobService, finding: Finding) -> None:
        self.jobs, self.finding = jobs, finding

    async def cog_unload(self) -> None:
        """End the segmenter's process."""
        await self.finding.close()

    @app_commands.command(description=say("command-edit"), extras={UNDER_POLICY: True})
    @app_commands.describe(
        image=say("command-edit.image"),
        prompt=say("command-edit.prompt"),
        mask=say("command-edit.mask"),
        mask_words=say("command-edit.mask-words"),
        strength=say("command-edit.strength"),
        feather=say("command-edit.feather"),
        control=say("command-imagine.control"),
        control_image=say("command-edit.control-image"),
        reference=say("command-imagine.reference"),
        private=say("command-edit.private"),
    )
    @app_commands.autocomplete(control=offering(OPTIONS["control"]))
    async def edit(
        self,
        interaction: Interaction,
        image: discord.Attachment,
        prompt: _RANGE[str, 1, TEXT_OPTION_LENGTH],
        mask: discord.Attachment | None = None,
        mask_words: _RANGE[str, 1, WORDS_LENGTH] | None = None,
        strength: _RANGE[float, 0.01, 1.0] | None = None,
        feather: _RANGE[int, FEATHER[0], FEATHER[1]] | None = None,
        control: str | None = None,
        control_image: discord.Attachment | None = None,
        reference: discord.Attachment | None = None,
        private: bool | None = None,
    ) -> None:
        """Record the request, reply with the job's message, and queue the job."""
        find = self._finds(interaction, mask, mask_words)
        given = {"prompt": prompt, "strength": strength, "control": control}
        said, context = await self._asked(interaction, given, private=private)

        def fetching(field: str, file: discord.Attachment | None) -> Fetch | None:
            return None if file is None else partial(fetch, interaction, field, file)

        quiet = context.origin.private
        async with thinking(interaction, private=quiet, at_once=find is not None):
            job = await self.jobs.derived.inpaint_file(
                said,
                context,
                image=partial(fetch, interaction, "image", image),
                mask=fetching("mask", mask),
                find=find,
                feather=feather,
                control=fetching("control_image", control_image),
                reference=fetching("reference", reference),
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
        said, context = await self._asked(interaction, {"prompt": prompt}, private=private)
        async with thinking(interaction, private=context.origin.private):
            job = await self.jobs.derived.outpaint_file(
                said,
                context,
                image=partial(fetch, interaction, "image", image),
                zoom=zoom,
                sides=sides,
            )
        await first_answer(interaction, self.jobs, job)

    def _finds(
        self, interaction: Interaction, mask: discord.Attachment | None, words: str | None
    ) -> FindMask | None:
        """Return what finds the mask that words say; raises InvalidRequest or NothingToDo."""
        if words is None:
            return None
        if mask is not None:
            raise InvalidRequest("mask_words", say("bound-mask-once"))
        phrases_of(words)
        catalog = app_of(interaction).catalog
        installed(catalog)

        async def find(png: bytes, width: int, height: int) -> bytes:
            levels = await self.finding.levels(catalog, png, words)
            return await asyncio.to_thread(mask_png, levels, width, height)

        return find

    async def _asked(
        self, interaction: Interaction, given: Mapping[str, Any], *, private: bool | None
    ) -> tuple[ImageOptions, RequestContext]:
        """Return the options of one job, completed as /imagine's are, and who asks for it.

        Of second passes only one that was typed is meant: defaults are for whole pictures.
        """
        jobs = all_said(ImageOptions(given), catalog_here(interaction))
        if len(jobs) > 1:
            raise InvalidRequest("prompt", say("bound-one-prompt"))
        mine = await self.jobs.defaults(interaction.user.id)
        private = bool(mine.get("private")) if private is None else private
        context = request_context_of(interaction, private=private)
        (said,) = self.jobs.complete(jobs, mine, context)
        return said.but(hires=jobs[0].get("hires")), context


def setup(app: "App") -> None:
    """Add the commands, and what the panel's buttons and form need."""
    finding = Finding()
    app.provide(finding)
    app.provide(Panels(finding))
    app.forms.append((TEMPLATE, submitted))
    app.add_cog(EditingCog(app.jobs, finding))

"""The message menu "Use as source image": image-to-image from a message's picture."""

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from bot.core.errors import NothingToDo
from bot.core.jobs.job_service import JobService
from bot.core.new_jobs import DEFAULT_STRENGTH
from bot.features.imagine.confirmation import ask_for
from bot.features.imagine.upload_store import UploadStore
from bot.options.arguments import all_said
from bot.options.image_options import ImageOptions
from bot.options.registry import OPTIONS
from bot.texts import say
from bot.ui.autocomplete import catalog_here
from bot.ui.forms import modal, option_input, texts_in
from bot.ui.interaction import Interaction, app_of
from bot.ui.interaction_context import FORM_S, fetch, is_picture, request_context_of

if TYPE_CHECKING:
    from bot.app import App

SOURCE = re.compile(r"source:(?P<sha256>[0-9a-f]{64})(?P<private>:private)?")


class SourceCog(commands.Cog):
    """Asks what to make of a message's first picture.

    The picture is fetched at once and kept until the form is submitted: without the message content
    intent, Discord reveals other people's attachments only with the menu, and a form's contents
    could be forged by its sender.

    ``menu`` is the context menu; whoever adds the cog adds it to the tree.
    """

    def __init__(self, jobs: JobService, uploads: UploadStore) -> None:
        self.jobs, self.uploads = jobs, uploads
        self.menu = app_commands.ContextMenu(name=say("menu-source"), callback=self.ask)

    async def ask(self, interaction: Interaction, message: discord.Message) -> None:
        """Open the form."""
        pictures = [file for file in message.attachments if is_picture(file)]
        if not pictures:
            raise NothingToDo(say("no-picture"))
        private = message.flags.ephemeral
        await self.jobs.may_start(request_context_of(interaction, private=private))
        content = await fetch(interaction, "image", pictures[0], FORM_S)
        await self.jobs.decoder.check(content)
        sha256 = await self.uploads.save(interaction.user.id, content)
        await interaction.response.send_modal(
            source_form(sha256, len(pictures) - 1, private=private)
        )


def source_form(sha256: str, others: int, *, private: bool) -> discord.ui.Modal:
    """Return the form about a picture; ``others`` says that the message had more of them.

    Jobs made from a picture that only one person could see are ``private`` too.
    """
    hint = say("form-source-prompt-first", others=others) if others else say("form-source-prompt")
    prompt, *more = (
        option_input(OPTIONS[one]) for one in ("prompt", "negative_prompt", "strength")
    )
    return modal(
        say("form-source"),
        f"source:{sha256}" + (":private" if private else ""),
        (replace(prompt, hint=hint), *more),
        {"strength": f"{DEFAULT_STRENGTH:g}"},
    )


async def draw_from(interaction: Interaction, match: re.Match[str]) -> None:
    """Make the job that starts from the picture chosen before."""
    app_of(interaction).cooldowns.request(interaction)
    uploads = app_of(interaction).get(UploadStore)

    async def picture() -> bytes:
        kept = await uploads.read(interaction.user.id, match["sha256"])
        if kept is None:
            raise NothingToDo(say("source-gone"))
        return kept

    typed = texts_in(interaction)
    given = typed.get("strength", "").strip()
    said = ImageOptions(
        prompt=typed.get("prompt"),
        negative_prompt=typed.get("negative_prompt"),
        strength=OPTIONS["strength"].value.read("strength", given) if given else None,
    )
    jobs = app_of(interaction).jobs
    private = True if match["private"] else None
    asked_for = all_said(said, catalog_here(interaction))
    await ask_for(interaction, jobs, asked_for, picture, private=private)


def setup(app: "App") -> None:
    """Add the menu."""
    uploads = UploadStore(app.folder)
    app.personal_data.append(uploads)
    app.provide(uploads)
    app.forms.append((SOURCE, draw_from))
    cog = SourceCog(app.jobs, uploads)
    app.add_cog(cog, cog.menu)

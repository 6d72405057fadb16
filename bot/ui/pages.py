"""An album of jobs, a page at a time, for one person's eyes."""

import io
from typing import Any

import discord

from bot.services.gallery import Gallery
from bot.services.jobs import JobService
from bot.store.records import Job, Search
from bot.ui import render
from bot.ui.asking import asked_by
from bot.ui.buttons import first_answer
from bot.ui.views import PrivateView

PAGE = 5
LABEL_LENGTH = 100  # of a choice in a menu


class Album(PrivateView):
    """Jobs with their first pictures, newest first, and a menu that asks for one of them again."""

    def __init__(
        self, gallery: Gallery, jobs: JobService, search: Search, asked: discord.Interaction[Any]
    ) -> None:
        super().__init__(asked)
        self._gallery, self._jobs, self._search = gallery, jobs, search
        self._starts: list[int | None] = [None]  # of the pages so far: what each comes before
        self._next: int | None = None

    async def show(self, nothing: str) -> None:
        """Answer the deferred interaction with the first page, or with what to say of none."""
        embeds, files = await self._load()
        if not embeds:
            await self._asked.edit_original_response(content=nothing)
            return
        await self._asked.edit_original_response(embeds=embeds, attachments=files, view=self)

    async def _load(self) -> tuple[list[discord.Embed], list[discord.File]]:
        found = await self._gallery.search(self._search, self._starts[-1], PAGE + 1)
        shown = found[:PAGE]
        self._next = shown[-1][0].id if len(found) > PAGE else None
        embeds: list[discord.Embed] = []
        files: list[discord.File] = []
        for job, thumbnail in shown:
            name = None if thumbnail is None else f"job-{job.id}.webp"
            if thumbnail is not None and name is not None:
                alt = render.shorten(render.subject(job), render.ALT_TEXT_LENGTH)
                files.append(discord.File(io.BytesIO(thumbnail), name, description=alt))
            embeds.append(render.history_entry(job, name))
        self.newer.disabled = len(self._starts) == 1
        self.older.disabled = self._next is None
        choices = [discord.SelectOption(label=_label(job), value=str(job.id)) for job, _ in shown]
        # Discord takes no empty menu; one is never shown.
        self.again.options[:] = choices or [discord.SelectOption(label="nothing")]
        return embeds, files

    async def _turn(self, interaction: discord.Interaction[Any]) -> None:
        await interaction.response.defer()
        embeds, files = await self._load()
        await interaction.edit_original_response(embeds=embeds, attachments=files, view=self)

    @discord.ui.select(placeholder="Ask for one of them again…")
    async def again(
        self, interaction: discord.Interaction[Any], menu: discord.ui.Select["Album"]
    ) -> None:
        """Ask for the same with new seeds."""
        job = await self._jobs.anew.reroll(int(menu.values[0]), asked_by(interaction))
        await first_answer(interaction, self._jobs, job)

    @discord.ui.button(label="Newer", emoji="◀️")
    async def newer(
        self, interaction: discord.Interaction[Any], _: discord.ui.Button["Album"]
    ) -> None:
        """Turn back."""
        if len(self._starts) > 1:
            self._starts.pop()
        await self._turn(interaction)

    @discord.ui.button(label="Older", emoji="▶️")
    async def older(
        self, interaction: discord.Interaction[Any], _: discord.ui.Button["Album"]
    ) -> None:
        """Turn on."""
        if self._next is not None:
            self._starts.append(self._next)
        await self._turn(interaction)


def _label(job: Job) -> str:
    return render.shorten(f"#{job.id} {render.subject(job)}", LABEL_LENGTH)

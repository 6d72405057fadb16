"""Paged albums of jobs, for one person."""

import asyncio
from collections.abc import Sequence
from typing import Any

import discord

from bot.core.discord_limits import MENU_LABEL_LENGTH
from bot.core.jobs.job_service import JobService
from bot.core.pictures.blurring import blurred
from bot.core.pictures.gallery import Found, Gallery, Unseen
from bot.db.records import Job, Search
from bot.texts import say
from bot.texts.inert import plain
from bot.ui.delivery import job_message as render
from bot.ui.delivery.first_answer import first_answer
from bot.ui.delivery.uploading import thumbnail_file
from bot.ui.interaction import Interaction
from bot.ui.interaction_context import actor_of, request_context_of
from bot.ui.pages.embeds import history_entry, unseen_entry
from bot.ui.pages.paging import Load, Pager


class Album(Pager[Found | Unseen]):
    """Jobs with their first pictures and a menu to pick one; hidden pictures are blurred."""

    page_length = 5

    def __init__(self, load: Load[Found | Unseen], interaction: Interaction, pick: str) -> None:
        super().__init__(load, interaction)
        self._unveiled = False
        menu: discord.ui.Select[Any] = self.pick
        menu.placeholder = pick

    async def page(self, shown: Sequence[Found | Unseen]) -> dict[str, Any]:
        """Return an embed with a thumbnail for each job."""
        choices = [
            discord.SelectOption(label=_label(one.job), value=str(one.id))
            for one in shown
            if isinstance(one, Found)
        ]
        # Discord accepts no empty menu; one cannot be opened.
        menu: discord.ui.Select[Any] = self.pick
        menu.options[:] = choices or [discord.SelectOption(label=say("config-not-set"))]
        menu.disabled = not choices
        embeds: list[discord.Embed] = []
        files: list[discord.File] = []
        for one in shown:
            if isinstance(one, Unseen):
                embeds.append(unseen_entry(one))
                continue
            name = None
            if (thumbnail := one.thumbnail) is not None:
                if one.hidden and not self._unveiled:
                    thumbnail = await asyncio.to_thread(blurred, thumbnail)
                files.append(thumbnail_file(one.job, thumbnail))
                name = files[-1].filename
            embeds.append(self.entry(one.job, name))
        return {"embeds": embeds, "attachments": files}

    def turned(self) -> None:
        """Blur the pictures of the new page."""
        self._unveiled = False

    def _buttons(self) -> "Album":
        return self  # because of the menu

    def entry(self, job: Job, thumbnail: str | None) -> discord.Embed:
        """Return a job's embed as shown here; ``thumbnail`` names an attached file."""
        return history_entry(job, thumbnail)

    async def picked(self, interaction: Interaction, job_id: int) -> None:
        """Handle the job that was picked."""
        raise NotImplementedError

    @discord.ui.select(row=1)
    async def pick(self, interaction: Interaction, menu: discord.ui.Select["Album"]) -> None:
        """Pick a job of this page."""
        await self.picked(interaction, int(menu.values[0]))


class OwnAlbum(Album):
    """A person's own jobs, which they can request again."""

    def __init__(
        self,
        gallery: Gallery,
        jobs: JobService,
        search: Search,
        interaction: Interaction,
    ) -> None:
        async def load(before: int | None, limit: int) -> Sequence[Found | Unseen]:
            # By now the person may see less than before, or look from elsewhere.
            return await gallery.search(search, actor_of(self._asked), before, limit)

        super().__init__(load, interaction, say("history-again"))
        self._jobs = jobs

    async def picked(self, interaction: Interaction, job_id: int) -> None:
        """Request the same with new seeds."""
        job = await self._jobs.derived.reroll(job_id, request_context_of(interaction))
        await first_answer(interaction, self._jobs, job)


def _label(job: Job) -> str:
    return plain(f"#{job.id} {render.subject(job)}", MENU_LABEL_LENGTH)

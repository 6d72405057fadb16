"""Confirmation of requests for several jobs."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from types import MappingProxyType
from typing import Any

import discord

from bot.core.admission.request_context import RequestContext
from bot.core.jobs.derived.derived_jobs import Fetch
from bot.core.jobs.job_service import JobService
from bot.core.pictures.steering import once
from bot.db.records import Job
from bot.features.imagine.references import typed_references
from bot.options.adapters.value import with_adapters
from bot.options.image_options import ImageOptions
from bot.texts import say, speak
from bot.ui.delivery.first_answer import first_answer
from bot.ui.delivery.thinking import thinking
from bot.ui.interaction import Interaction, app_of
from bot.ui.interaction_context import fetch, request_context_of
from bot.ui.pages import job_lists as lists
from bot.ui.views import PrivateView

PATIENCE_S = 300.0
# An attached file, or a function that fetches it once confirmed.
Source = discord.Attachment | Fetch | None
# What steers the pictures: the control's and the reference's.
Steering = Mapping[str, Source]


async def ask_for(
    interaction: Interaction,
    jobs: JobService,
    requested: Sequence[ImageOptions],
    image: Source,
    steering: Steering = MappingProxyType({}),
    *,
    private: bool | None,
) -> None:
    """Make the requested job, or ask first if there are several; raises likewise.

    Missing options are filled in from the defaults of the person and the place, and so is whether
    others may see the job if ``private`` is None.
    """
    mine = await jobs.defaults(interaction.user.id)
    private = bool(mine.get("private")) if private is None else private
    context = request_context_of(interaction, private=private)
    requested = jobs.complete(requested, mine, context)
    if len(requested) > 1:
        await confirm(interaction, jobs, requested, image, steering, private=private)
        return
    job = await _make(
        interaction, jobs, _Files(interaction, image, steering), requested[0], context
    )
    await first_answer(interaction, jobs, job)


async def confirm(
    interaction: Interaction,
    jobs: JobService,
    requested: Sequence[ImageOptions],
    image: Source,
    steering: Steering,
    *,
    private: bool,
) -> None:
    """Ask privately whether to make this many jobs; raises JobError if they are not allowed.

    A new question replaces the person's earlier one.
    """
    await jobs.may_ask(request_context_of(interaction, private=private), requested)
    question = Question(jobs, requested, image, steering, interaction, private=private)
    questions = app_of(interaction).questions
    earlier = questions.get(interaction.user.id)
    questions[interaction.user.id] = question
    text = lists.question([with_adapters(options) for options in requested])
    await interaction.response.send_message(text, view=question, ephemeral=True)
    if earlier is not None and not earlier.is_finished():
        await earlier.give_way()


def _fetching(interaction: Interaction, field: str, file: Source) -> Fetch | None:
    """Return a function that fetches a file once, from Discord or from storage."""
    if isinstance(file, discord.Attachment):
        return once(partial(fetch, interaction, field, file))
    return file and once(file)


class _Files:
    """The files of some jobs; each is fetched once for all of them."""

    def __init__(self, interaction: Interaction, image: Source, steering: Steering) -> None:
        self._interaction = interaction
        self._image = _fetching(interaction, "image", image)
        self._control = _fetching(interaction, "control_image", steering.get("control"))
        self._reference = _fetching(interaction, "reference", steering.get("reference"))
        self._addresses: dict[str, Fetch] = {}

    def of(self, said: ImageOptions) -> tuple[ImageOptions, dict[str, Any]]:
        """Return a job's options, and the files that `JobService.imagine` takes with them."""
        said, references = typed_references(self._interaction, said, self._addresses)
        if self._reference is not None:
            references.insert(0, (None, self._reference))
        files = {"image": self._image, "control": self._control, "references": references}
        return said, files


async def _make(
    interaction: Interaction,
    jobs: JobService,
    brought: _Files,
    options: ImageOptions,
    context: RequestContext,
) -> Job:
    """Make a job; while files are fetched for it, a pending reply may be sent."""
    said, files = brought.of(options)
    fetches = any(files.values())
    pending = thinking(interaction, private=context.origin.private) if fetches else nullcontext()
    async with pending:
        return await jobs.imagine(said, context, **files)


class Question(PrivateView):
    """Makes the jobs on a click, and disappears when answered or timed out."""

    def __init__(
        self,
        jobs: JobService,
        requested: Sequence[ImageOptions],
        image: Source,
        steering: Steering,
        interaction: Interaction,
        *,
        private: bool,
    ) -> None:
        super().__init__(interaction, PATIENCE_S)
        self._jobs, self._requested, self._image = jobs, requested, image
        self._steering, self._private = steering, private
        self.yes.label, self.no.label = say("question-yes", jobs=len(requested)), say("question-no")

    @discord.ui.button(style=discord.ButtonStyle.primary)
    async def yes(self, interaction: Interaction, _: discord.ui.Button["Question"]) -> None:
        """Record each job and reply with its message, the first as the original response."""
        if self.is_finished():
            await interaction.response.defer()  # the second of a double click
            return
        self.stop()
        try:
            await self._make_all(interaction)
        except Exception:
            await self.leave(view=None)
            raise
        await self._asked.edit_original_response(content=say("question-made"), view=None)

    @discord.ui.button()
    async def no(self, interaction: Interaction, _: discord.ui.Button["Question"]) -> None:
        """Dismiss the question."""
        self.stop()
        await interaction.response.edit_message(content=say("question-left"), view=None)

    async def _make_all(self, interaction: Interaction) -> None:
        app_of(interaction).cooldowns.request(interaction)
        await self._jobs.may_ask(
            request_context_of(interaction, private=self._private), self._requested
        )
        brought = _Files(interaction, self._image, self._steering)
        for part, options in enumerate(self._requested):
            context = request_context_of(interaction, part, private=self._private)
            job = await _make(interaction, self._jobs, brought, options, context)
            await first_answer(interaction, self._jobs, job)

    async def give_way(self) -> None:
        """Disappear, replaced by a newer question."""
        self.stop()
        await self.leave(content=say("question-replaced"), view=None)

    async def on_timeout(self) -> None:
        """Say that the question has expired."""
        speak(str(self._asked.locale))
        await self.leave(content=say("question-forgotten"), view=None)

"""V1 to V4, Vary subtle, Vary strong, Reroll: more pictures from the same prompt."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from bot.core.new_jobs import VARIATION_STRENGTH
from bot.db.records import Job, Kind
from bot.ui.actions.job_actions import Button, JobAction, Row
from bot.ui.actions.press import Press
from bot.ui.delivery.first_answer import first_answer


class Vary(JobAction):
    """Redraws a picture, as much as its ``strength`` says."""

    name = "vary"
    label = "button-vary"
    row = Row.CHANGE
    makes_job = True
    strength: ClassVar[float] = VARIATION_STRENGTH

    def buttons(self, job: Job, pictures: Sequence[int]) -> Iterable[Button]:
        """Return one for each picture, unless upscaled."""
        if job.kind is Kind.UPSCALE:
            return []
        return [self.button(index, number=str(index + 1)) for index in pictures]

    async def press(self, press: Press) -> None:
        """Make the job."""
        job = await press.app.jobs.derived.variation(
            press.job.id, press.picture, press.context, strength=self.strength
        )
        await first_answer(press.interaction, press.app.jobs, job)


class VarySubtly(Vary):
    """Redraws an upscaled picture a little."""

    name = "subtle"
    label = "button-vary-subtle"
    emoji = "🪄"
    row = Row.MAKE
    strength = 0.35

    def buttons(self, job: Job, pictures: Sequence[int]) -> Iterable[Button]:
        """Return one for an upscaled picture, unless that was uploaded, not generated."""
        if job.kind is not Kind.UPSCALE or job.uploaded:
            return []
        return [self.button(index) for index in pictures]


class VaryStrongly(VarySubtly):
    """Redraws an upscaled picture a lot."""

    name = "strong"
    label = "button-vary-strong"
    strength = 0.7


class Reroll(JobAction):
    """Requests the same with new seeds."""

    name = "reroll"
    label = "button-reroll"
    emoji = "🔄"
    row = Row.MAKE
    makes_job = True

    def buttons(self, job: Job, pictures: Sequence[int]) -> Iterable[Button]:  # noqa: ARG002
        """Return one, except for an upscale, which would come out the same."""
        return [] if job.kind is Kind.UPSCALE else [self.button()]

    async def press(self, press: Press) -> None:
        """Make the job."""
        job = await press.app.jobs.derived.reroll(press.job.id, press.context)
        await first_answer(press.interaction, press.app.jobs, job)

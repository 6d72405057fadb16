"""The upscale buttons: U1 to U4, and one more under an upscale."""

from collections.abc import Iterable, Sequence

from bot.db.records import Job, Kind
from bot.ui.actions.job_actions import Button, JobAction, Row
from bot.ui.actions.press import Press
from bot.ui.delivery.first_answer import first_answer
from generation.upscaler import FACTORS, RESULT_SIDE


class Upscale(JobAction):
    """Upscales a picture twofold, up to twice in a row."""

    name = "upscale"
    label = "button-upscale"
    row = Row.MAKE
    makes_job = True

    def buttons(self, job: Job, pictures: Sequence[int]) -> Iterable[Button]:
        """Return one for each picture; under an upscale only if it can grow further."""
        if job.kind is not Kind.UPSCALE:
            return [self.button(index, number=str(index + 1)) for index in pictures]
        if job.factor >= max(FACTORS) or 2 * max(job.size) > RESULT_SIDE:
            return []
        return [Button(f"×{2 * job.factor}", "🔍", row=self.row, index=one) for one in pictures]

    async def press(self, press: Press) -> None:
        """Make the job."""
        job = await press.app.jobs.derived.upscale(press.job.id, press.picture, press.context)
        await first_answer(press.interaction, press.app.jobs, job)

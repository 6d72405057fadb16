"""Remix: the same job with a changed prompt or options."""

from collections.abc import Iterable, Sequence

from bot.db.records import Job, Kind
from bot.ui.actions.job_actions import Button, JobAction, Row
from bot.ui.actions.press import Press
from bot.ui.delivery.first_answer import first_answer
from bot.ui.forms import remix_form, texts_in


class Remix(JobAction):
    """Opens a form with a job's options, and makes a job from what is submitted."""

    name = "remix"
    label = "button-remix"
    emoji = "✏️"
    makes_job = True
    opens_form = True

    def buttons(self, job: Job, pictures: Sequence[int]) -> Iterable[Button]:  # noqa: ARG002
        """Return the button, except for an uploaded picture, which was not generated."""
        row = Row.MAKE if job.kind is Kind.UPSCALE else Row.CHANGE
        return [] if job.uploaded else [self.button(row=row)]

    async def press(self, press: Press) -> None:
        """Open the form."""
        form = await press.app.jobs.derived.form(press.job.id, press.context)
        await press.interaction.response.send_modal(remix_form(press.custom_id, form))
        press.app.cooldowns.granted(press.interaction)

    async def submit(self, press: Press) -> None:
        """Make the job."""
        form = texts_in(press.interaction)
        job = await press.app.jobs.derived.remix(press.job.id, form, press.context)
        await first_answer(press.interaction, press.app.jobs, job)

"""The Cancel button of a waiting or running job."""

from bot.core.admission.visibility import Right
from bot.ui.actions.job_actions import JobAction, Under
from bot.ui.actions.press import Press


class Cancel(JobAction):
    """Cancels a job."""

    name = "cancel"
    label = "button-cancel"
    emoji = "✖️"
    under = Under.OPEN
    right = Right.END

    async def press(self, press: Press) -> None:
        """Acknowledge first: ending a running job can take a step of the device."""
        await press.interaction.response.defer()
        await press.app.jobs.cancel(press.job.id, press.actor)

"""Cancel: a job that waits or runs need not be."""

from bot.core.admission.visibility import Right
from bot.ui.actions.job_actions import JobAction, Under
from bot.ui.actions.press import Press


class Cancel(JobAction):
    """Ends a job."""

    name = "cancel"
    label = "button-cancel"
    emoji = "✖️"
    under = Under.OPEN
    right = Right.END

    async def press(self, press: Press) -> None:
        """Acknowledge it first: ending what runs can take a tick of the device."""
        await press.interaction.response.defer()
        await press.app.jobs.cancel(press.job.id, press.actor)

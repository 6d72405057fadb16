"""Delete and its confirmation: removes a job's message and files."""

import discord

from bot.core.admission.visibility import Right
from bot.core.pictures.gallery import Gallery
from bot.texts import say
from bot.ui.actions.job_actions import JobAction, Under, answer_view
from bot.ui.actions.message_removal import remove_message
from bot.ui.actions.press import Press
from bot.ui.delivery import job_message as render


class DeleteForGood(JobAction):
    """Deletes a job; this button is under the question."""

    name = "erase"
    label = "button-delete-for-good"
    style = discord.ButtonStyle.danger
    under = Under.ANSWER
    right = Right.END

    async def press(self, press: Press) -> None:
        """Delete files and message, and report it where it was confirmed.

        Raises JobError; completed steps stay done, and the rest can be retried.
        """
        interaction = press.interaction
        await interaction.response.defer()
        job = await press.app.get(Gallery).delete(press.job.id, press.actor)
        # Without a channel its token expired long ago, and only the files can be deleted.
        done = say("deleted-files") if job.channel_id is None else say("deleted-message")
        await remove_message(interaction.client, job, done)
        await interaction.edit_original_response(content=done, view=None)


class Delete(JobAction):
    """Asks whether to delete a job."""

    name = "delete"
    label = "button-delete"
    emoji = "🗑️"
    right = Right.END

    async def press(self, press: Press) -> None:
        """Ask for confirmation."""
        job = await press.app.get(Gallery).deletable(press.job.id, press.actor)
        await press.interaction.response.send_message(
            render.deletion(job), view=answer_view(job, DeleteForGood()), ephemeral=True
        )

"""Send to me and Favourite: keeping pictures for later."""

from collections.abc import Iterable, Sequence

import discord

from bot.core.discord_limits import FILE_BYTES
from bot.core.errors import DiscordRefused
from bot.core.pictures.gallery import Gallery
from bot.db.records import Job
from bot.texts import say
from bot.ui.actions.job_actions import Button, JobAction
from bot.ui.actions.press import Press
from bot.ui.delivery import job_message as render
from bot.ui.delivery.uploading import send_fitting, upload


class Send(JobAction):
    """Sends a job's pictures by direct message."""

    name = "send"
    label = "button-send"
    emoji = "✉️"

    def buttons(self, job: Job, pictures: Sequence[int]) -> Iterable[Button]:  # noqa: ARG002
        """Return the button if there is anything to send."""
        return [self.button()] if pictures else []

    async def press(self, press: Press) -> None:
        """Send them; raises DiscordRefused where direct messages are closed."""
        interaction = press.interaction
        await interaction.response.defer(ephemeral=True, thinking=True)
        job, kept = await press.app.get(Gallery).originals(press.job.id, press.actor)
        press.app.cooldowns.post(interaction, len(kept))
        where = render.jump_url(job)
        text = render.done(job) + ("\n-# " + say("job-from", where=where) if where else "")

        async def post(files: list[discord.File], note: str) -> discord.Message:
            return await interaction.user.send(text + note, files=files)

        try:
            uploads = [upload(job, picture, png) for picture, png in kept]
            sent = await send_fitting(post, uploads, FILE_BYTES)
        except discord.Forbidden as error:
            raise DiscordRefused(say("error-direct-closed")) from error
        await interaction.followup.send(say("sent", where=sent.jump_url))


class Favourite(JobAction):
    """Toggles a job as the person's favourite."""

    name = "favourite"
    label = "button-favourite"
    emoji = "⭐"

    async def press(self, press: Press) -> None:
        """Toggle it, and reply with the result."""
        added = await press.app.get(Gallery).favourite(press.job.id, press.actor)
        line = "⭐ " + say("favourite-added") if added else say("favourite-removed")
        await press.interaction.response.send_message(line, ephemeral=True)

"""Forms when they come back. They are known by their custom id, as buttons are.

So a form may have been opened before a restart. Whoever sends one can write any id into it: what it
names is looked up as theirs.
"""

import re
from typing import Any

import discord

from bot import errors
from bot.options.arguments import all_said
from bot.options.image_options import ImageOptions
from bot.options.registry import OPTIONS
from bot.services.errors import NothingToDo
from bot.store.uploads import UploadStore
from bot.texts import say, speak
from bot.ui import job_actions, moderation_actions, render
from bot.ui.choices import catalog_here
from bot.ui.confirming import ask_for
from bot.ui.custom_id import TEMPLATE
from bot.ui.forms import SOURCE, texts_in
from bot.ui.interaction import app_of
from bot.ui.press import once


async def submitted(interaction: discord.Interaction[Any]) -> None:
    """Take one of our forms when it comes back; every error becomes a private line."""
    data: Any = interaction.data
    sent = ((template.fullmatch(data["custom_id"]), take) for template, take in FORMS)
    match, take = next(((match, take) for match, take in sent if match), (None, None))
    speak(str(interaction.locale))
    if match is None or take is None:
        await errors.answer(interaction, NothingToDo(say("error-form-unknown")))
        return
    try:
        await once(interaction, match[0], take(interaction, match))
    except Exception as error:  # noqa: BLE001
        # The form is gone from the screen: nobody should have to write all of it again.
        prompt = texts_in(interaction).get("prompt", "")
        note = render.typed(prompt) if prompt else ""
        await errors.answer(interaction, error, note=note)


async def draw_from(interaction: discord.Interaction[Any], match: re.Match[str]) -> None:
    """Make the job that starts from the picture that the person picked before."""
    app_of(interaction).cooldowns.wish(interaction)
    uploads = app_of(interaction).get(UploadStore)

    async def picture() -> bytes:
        kept = await uploads.read(interaction.user.id, match["sha256"])
        if kept is None:
            raise NothingToDo(say("source-gone"))
        return kept

    typed = texts_in(interaction)
    given = typed.get("strength", "").strip()
    said = ImageOptions(
        prompt=typed.get("prompt"),
        negative_prompt=typed.get("negative_prompt"),
        strength=OPTIONS["strength"].value.read("strength", given) if given else None,
    )
    jobs = app_of(interaction).jobs
    private = True if match["private"] else None
    asked_for = all_said(said, catalog_here(interaction))
    await ask_for(interaction, jobs, asked_for, picture, private=private)


# What is done with each form when it comes back.
FORMS = (
    (TEMPLATE, job_actions.submitted),
    (SOURCE, draw_from),
    (moderation_actions.TEMPLATE, moderation_actions.submitted),
)

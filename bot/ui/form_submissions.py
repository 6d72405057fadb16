"""Submitted forms, recognized by custom id as buttons are.

A form may have been opened before a restart. People can submit any custom id, so whatever it names
is looked up with their own permissions.
"""

from typing import Any

from bot.core.errors import NothingToDo
from bot.texts import say, speak
from bot.ui import errors
from bot.ui.actions.press import once
from bot.ui.delivery import job_message as render
from bot.ui.forms import texts_in
from bot.ui.interaction import Interaction, app_of


async def submitted(interaction: Interaction) -> None:
    """Handle one of our submitted forms; every error becomes an ephemeral reply."""
    data: Any = interaction.data
    sent = (
        (template.fullmatch(data["custom_id"]), take)
        for template, take in app_of(interaction).forms
    )
    match, take = next(((match, take) for match, take in sent if match), (None, None))
    speak(str(interaction.locale))
    if match is None or take is None:
        await errors.answer(interaction, NothingToDo(say("error-form-unknown")))
        return
    try:
        await once(interaction, match[0], take(interaction, match))
    except Exception as error:  # noqa: BLE001
        # The form is closed by now: give the text back, so that nobody has to retype it.
        prompt = texts_in(interaction).get("prompt", "")
        note = render.typed(prompt) if prompt else ""
        await errors.answer(interaction, error, note=note)

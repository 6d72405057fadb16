"""Forms when they come back. They are known by their custom id, as buttons are.

So a form may have been opened before a restart. Whoever sends one can write any id into it: what it
names is looked up as theirs.
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
    """Take one of our forms when it comes back; every error becomes a private line."""
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
        # The form is gone from the screen: nobody should have to write all of it again.
        prompt = texts_in(interaction).get("prompt", "")
        note = render.typed(prompt) if prompt else ""
        await errors.answer(interaction, error, note=note)

"""A form with the beginning of a prompt, from which somebody's own request is made."""

import re
from typing import TYPE_CHECKING

from bot.features.imagine.confirmation import ask_for
from bot.options.arguments import all_said
from bot.options.image_options import ImageOptions
from bot.ui.autocomplete import catalog_here
from bot.ui.forms import texts_in
from bot.ui.interaction import Interaction, app_of

if TYPE_CHECKING:
    from bot.app import App

BEGUN = re.compile(r"imagine:\d+")


async def draw(interaction: Interaction, _: re.Match[str]) -> None:
    """Make the job, as /imagine would."""
    app_of(interaction).cooldowns.request(interaction)
    typed = texts_in(interaction)
    said = ImageOptions(prompt=typed.get("prompt"), negative_prompt=typed.get("negative_prompt"))
    jobs = all_said(said, catalog_here(interaction))
    await ask_for(interaction, app_of(interaction).jobs, jobs, None, private=None)


def setup(app: "App") -> None:
    """Take the form."""
    app.forms.append((BEGUN, draw))

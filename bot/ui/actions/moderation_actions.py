"""Moderators' actions on a job they are viewing: each button is a class, registered once.

Buttons and forms are recognized by custom id, like job buttons, so they survive restarts. Each one
checks that the person is a moderator.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar, Self

import discord

from bot.core.errors import ForeignButton, NothingToDo
from bot.core.pictures.gallery import Found
from bot.db.records import Job
from bot.texts import say
from bot.ui.actions.press import Actions, LastingButton, Press
from bot.ui.forms import Input, texts_in
from bot.ui.interaction import Interaction, app_of
from bot.ui.interaction_context import check_moderator

REASON_LENGTH = 300
TEMPLATE = re.compile(r"mod:(?P<action>[a-z]+):(?P<job>[0-9]{1,19})(?::(?P<mark>[0-9a-f]{1,16}))?")


class ModerationAction(ABC):
    """A moderator's action on a job or its author, immediate or after a form.

    ``name`` is part of custom ids, so it never changes. ``label`` is a key of the text catalog. Any
    moderator of the job's server may use it. The audit entry is written by the service that
    performs the action, or else by the action itself with `ModerationService.note`.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    style: ClassVar[discord.ButtonStyle] = discord.ButtonStyle.danger

    def applies_to(self, found: Found) -> bool:  # noqa: ARG002
        """Tell whether its button appears under the job being viewed."""
        return True

    def form(self, job: Job, custom_id: str) -> discord.ui.Modal | None:  # noqa: ARG002
        """Return a form that asks for confirmation, or None to act at once."""
        return None

    @abstractmethod
    async def carry_out(self, press: Press, typed: Mapping[str, str]) -> None:
        """Perform the action with the form's ``typed`` values by input id; raises JobError."""


MODERATION_ACTIONS: Actions[ModerationAction] = Actions()


class ModerationButton(
    LastingButton, discord.ui.DynamicItem[discord.ui.Button[Any]], template=TEMPLATE
):
    """A button on a job being viewed."""

    def __init__(self, name: str, job_id: int, mark: str | None, **look: Any) -> None:  # noqa: ANN401
        self.name, self.job_id, self.mark = name, job_id, mark
        super().__init__(discord.ui.Button(custom_id=_custom_id(name, job_id, mark), **look))

    @classmethod
    def parse(cls, match: re.Match[str]) -> Self:
        """Return the button with this custom id."""
        return cls(match["action"], int(match["job"]), match["mark"])

    async def pressed(self, interaction: Interaction) -> None:
        """Ask for confirmation, or act."""
        check_moderator(interaction)
        app_of(interaction).cooldowns.click(interaction)
        action = MODERATION_ACTIONS.get(self.name)
        if action is None:
            raise NothingToDo(say("error-button-unknown"))
        press = await _admit(interaction, self.name, self.job_id, self.mark)
        form = action.form(press.job, press.custom_id)
        if form is None:
            await action.carry_out(press, {})
        else:
            await interaction.response.send_modal(form)


async def submitted(interaction: Interaction, match: re.Match[str]) -> None:
    """Handle a submitted form; raises JobError."""
    check_moderator(interaction)
    action = MODERATION_ACTIONS.get(match["action"])
    press = await _admit(interaction, match["action"], int(match["job"]), match["mark"])
    if action is None or action.form(press.job, press.custom_id) is None:
        raise NothingToDo(say("error-form-unknown"))
    await action.carry_out(press, texts_in(interaction))


async def _admit(interaction: Interaction, name: str, job_id: int, mark: str | None) -> Press:
    """Return a press about a job of this server; raises ForeignButton if it was another one.

    Buttons of earlier releases have no mark; there the card above them is compared.
    """
    job = await app_of(interaction).visibility.in_server(job_id, interaction.guild_id or 0)
    if not (_shows(interaction.message, job) if mark is None else mark == job.mark):
        raise ForeignButton
    return Press(interaction, job, _custom_id(name, job.id, job.mark))


def _shows(message: discord.Message | None, job: Job) -> bool:
    """Tell whether a message shows the job's card, by the time of the request."""
    moments = [card.timestamp for card in message.embeds] if message is not None else []
    asked_at = job.origin.asked_at
    return any(
        one is not None and abs(one - asked_at) < timedelta(milliseconds=1) for one in moments
    )


def _custom_id(name: str, job_id: int, mark: str | None) -> str:
    return f"mod:{name}:{job_id}" + ("" if mark is None else f":{mark}")


def view_of(found: Found) -> discord.ui.View:
    """Return the buttons under a job that a moderator is viewing."""
    view = discord.ui.View(timeout=None)
    for action in MODERATION_ACTIONS.values():
        if action.applies_to(found):
            look = {"label": say(action.label), "style": action.style}
            view.add_item(ModerationButton(action.name, found.id, found.job.mark, **look))
    return view


def reason_input(hint: str) -> Input:
    """Return the input for a moderator's reason; ``hint`` is shown below it."""
    return Input(
        "reason", say("form-reason"), hint, {"max_length": REASON_LENGTH, "required": False}
    )

"""What moderators do about a job that they look at: each button is a class, registered once.

Buttons and forms are known by their custom ids, as those under a job are, so that they outlive
every restart; whether somebody moderates is asked with each of them.
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
    """What a moderator does about a job or its person, at once or after a form.

    ``name`` stands in custom ids, so it never changes. ``label`` is a key of the catalog. Whoever
    moderates the job's server may do it. The service that does it writes the audit trail; where
    there is none, the action does, with `ModerationService.note`.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    style: ClassVar[discord.ButtonStyle] = discord.ButtonStyle.danger

    def applies_to(self, found: Found) -> bool:  # noqa: ARG002
        """Tell whether its button stands under a job that is looked at."""
        return True

    def form(self, job: Job, custom_id: str) -> discord.ui.Modal | None:  # noqa: ARG002
        """Return what asks once more, or None where it is done at once."""
        return None

    @abstractmethod
    async def carry_out(self, press: Press, typed: Mapping[str, str]) -> None:
        """Do it, with what was ``typed`` into the form, by the inputs' ids; raises JobError."""


MODERATION_ACTIONS: Actions[ModerationAction] = Actions()


class ModerationButton(
    LastingButton, discord.ui.DynamicItem[discord.ui.Button[Any]], template=TEMPLATE
):
    """A button on a job that is looked at."""

    def __init__(self, name: str, job_id: int, mark: str | None, **look: Any) -> None:  # noqa: ANN401
        self.name, self.job_id, self.mark = name, job_id, mark
        super().__init__(discord.ui.Button(custom_id=_custom_id(name, job_id, mark), **look))

    @classmethod
    def parse(cls, match: re.Match[str]) -> Self:
        """Return the button with this custom id."""
        return cls(match["action"], int(match["job"]), match["mark"])

    async def pressed(self, interaction: Interaction) -> None:
        """Ask once more, or do it."""
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
    """Do what a form says that came back; raises JobError."""
    check_moderator(interaction)
    action = MODERATION_ACTIONS.get(match["action"])
    press = await _admit(interaction, match["action"], int(match["job"]), match["mark"])
    if action is None or action.form(press.job, press.custom_id) is None:
        raise NothingToDo(say("error-form-unknown"))
    await action.carry_out(press, texts_in(interaction))


async def _admit(interaction: Interaction, name: str, job_id: int, mark: str | None) -> Press:
    """Return a press about a job of this server; ForeignButton where it was about another one.

    Earlier releases made buttons without a mark: then the card above them tells.
    """
    job = await app_of(interaction).visibility.in_server(job_id, interaction.guild_id or 0)
    if not (_shows(interaction.message, job) if mark is None else mark == job.mark):
        raise ForeignButton
    return Press(interaction, job, _custom_id(name, job.id, job.mark))


def _shows(message: discord.Message | None, job: Job) -> bool:
    """Tell whether a message has the card of a job, by the moment at which that was asked for."""
    moments = [card.timestamp for card in message.embeds] if message is not None else []
    asked_at = job.origin.asked_at
    return any(
        one is not None and abs(one - asked_at) < timedelta(milliseconds=1) for one in moments
    )


def _custom_id(name: str, job_id: int, mark: str | None) -> str:
    return f"mod:{name}:{job_id}" + ("" if mark is None else f":{mark}")


def view_of(found: Found) -> discord.ui.View:
    """Return the buttons under a job that a moderator looks at."""
    view = discord.ui.View(timeout=None)
    for action in MODERATION_ACTIONS.values():
        if action.applies_to(found):
            look = {"label": say(action.label), "style": action.style}
            view.add_item(ModerationButton(action.name, found.id, found.job.mark, **look))
    return view


def reason_input(hint: str) -> Input:
    """Return the input in which a moderator may say why; ``hint`` stands below it."""
    return Input(
        "reason", say("form-reason"), hint, {"max_length": REASON_LENGTH, "required": False}
    )

"""Job actions: each button is a `JobAction`, registered once.

Buttons under finished pictures appear in registration order.
"""

import re
import secrets
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum, IntEnum, auto
from itertools import chain
from typing import Any, ClassVar, Self

import discord
from discord.utils import as_chunks

from bot.core.admission.visibility import Right
from bot.core.errors import ForeignButton, NothingToDo
from bot.core.pictures.gallery import Gallery
from bot.db.records import Job
from bot.texts import say
from bot.ui.actions.buttons import Buttons, Component, button
from bot.ui.actions.custom_id import TEMPLATE, CustomId
from bot.ui.actions.press import Actions, LastingButton, Press, once
from bot.ui.interaction import Interaction, app_of
from bot.ui.interaction_context import actor_of

ROW_LENGTH = MOST_ROWS = 5
# Components have a numeric id besides the custom id; from this one on they are of this run.
OURS = 1 + secrets.randbits(30)


class Under(Enum):
    """What a button appears under."""

    PICTURES = auto()  # finished ones
    OPEN = auto()  # the message of a waiting or running job
    ANSWER = auto()  # another action's reply to one person


class Row(IntEnum):
    """Rows of buttons under pictures: first those that make new jobs, then the others.

    Discord shows five rows; those of the second and of the two after it are full only under
    different pictures.
    """

    MAKE = 0
    CHANGE = 1
    EDIT = 2
    PAN = 3
    KEEP = 4


@dataclass(frozen=True, slots=True)
class Button:
    """One button: its look, its row, and which pictures it is for."""

    label: str
    emoji: str | None = None
    style: discord.ButtonStyle = discord.ButtonStyle.secondary
    row: Row = Row.KEEP
    index: int | None = None


class JobAction(ABC):
    """The action behind a job button.

    ``name`` is part of custom ids, so it never changes. ``label`` is a key of the text catalog.
    Anybody with the ``right`` may press it; what ``makes_job`` is always done in one's own name,
    even by moderators. An action that ``opens_form`` also handles the form's submission.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    emoji: ClassVar[str | None] = None
    style: ClassVar[discord.ButtonStyle] = discord.ButtonStyle.secondary
    under: ClassVar[Under] = Under.PICTURES
    row: ClassVar[Row] = Row.KEEP
    right: ClassVar[Right] = Right.SEE
    makes_job: ClassVar[bool] = False
    opens_form: ClassVar[bool] = False

    def buttons(self, job: Job, pictures: Sequence[int]) -> Iterable[Button]:  # noqa: ARG002
        """Return its buttons; ``pictures`` of the job are shown, others were refused."""
        return [self.button()]

    def button(self, index: int | None = None, row: Row | None = None, **fields: str) -> Button:
        """Return a button for this action; ``fields`` fill in its label."""
        row = self.row if row is None else row
        return Button(say(self.label, **fields), self.emoji, self.style, row, index)

    @abstractmethod
    async def press(self, press: Press) -> None:
        """Perform the action; raises JobError if that is not possible (any more)."""

    async def submit(self, press: Press) -> None:  # noqa: ARG002
        """Handle its submitted form; raises likewise."""
        raise NothingToDo(say("error-form-unknown"))

    def made_for(self, job: Job, pressed: CustomId, message: discord.Message | None) -> bool:
        """Tell whether a button under this message was made for this job.

        Another database reuses job numbers, so the mark must match the job's, and so must the
        message, as far as it is known. Buttons under a reply belong to the message that was replied
        to.
        """
        if pressed.mark is not None and pressed.mark != job.mark:
            return False
        if self.under is Under.ANSWER:
            return pressed.mark is not None or _answered(message) == job.message_id
        if message is None or not job.message_id:
            return pressed.mark is not None
        return message.id == job.message_id


def _answered(message: discord.Message | None) -> int | None:
    """Return the id of the message whose button led to this reply."""
    metadata = None if message is None else message.interaction_metadata
    return None if metadata is None else metadata.interacted_message_id


JOB_ACTIONS: Actions[JobAction] = Actions()


class JobButton(LastingButton, discord.ui.DynamicItem[discord.ui.Button[Any]], template=TEMPLATE):
    """Any button of a job."""

    def __init__(self, custom_id: CustomId) -> None:
        self.parsed = custom_id
        super().__init__(discord.ui.Button(custom_id=str(custom_id)))

    @classmethod
    def parse(cls, match: re.Match[str]) -> Self:
        """Return the button with this custom id."""
        return cls(CustomId.from_match(match))

    async def pressed(self, interaction: Interaction) -> None:
        """Perform the button's action, once."""
        action = JOB_ACTIONS.get(self.parsed.action)
        work = _press(interaction, action, self.parsed)
        # A form that was closed may be reopened at once.
        opens = action is not None and action.opens_form
        await (work if opens else once(interaction, str(self.parsed), work))


async def _press(interaction: Interaction, action: JobAction | None, sent: CustomId) -> None:
    cooldowns = app_of(interaction).cooldowns
    if action is not None and action.makes_job:
        cooldowns.request(interaction)
    else:
        cooldowns.click(interaction)
    if action is None:
        raise NothingToDo(say("error-button-unknown"))
    await action.press(await _admit(interaction, action, sent))


async def submitted(interaction: Interaction, match: re.Match[str]) -> None:
    """Handle a submitted form of an action; raises JobError."""
    sent = CustomId.from_match(match)
    action = JOB_ACTIONS.get(sent.action)
    if action is None or not action.opens_form:
        raise NothingToDo(say("error-form-unknown"))
    app_of(interaction).cooldowns.request(interaction)
    await action.submit(await _admit(interaction, action, sent))


async def _admit(interaction: Interaction, action: JobAction, sent: CustomId) -> Press:
    """Return the press of a button or form, if the person has the right to it.

    Raises ForeignButton if it was made for another job with the same number, without revealing
    anything about that job; otherwise JobNotFound, JobRemoved or NotYours.
    """
    actor, gallery = actor_of(interaction), app_of(interaction).get(Gallery)
    if action.makes_job:
        actor = replace(actor, moderates=False)
    found = await gallery.job(sent.job_id, actor)
    if found is not None and not action.made_for(found, sent, interaction.message):
        raise ForeignButton
    job = await gallery.check(found, actor, action.right)
    return Press(interaction, job, str(replace(sent, mark=job.mark)), sent.index)


def result_view(job: Job, held_back: Collection[int] = ()) -> Buttons:
    """Return the buttons under finished pictures; ``held_back`` ones have none.

    Discord allows five rows of five; a row that is too long continues in another. Where that makes
    too many rows, all are filled up.
    """
    pictures = [index for index in range(job.request.num_images) if index not in held_back]
    groups: dict[Row, list[Component]] = {row: [] for row in Row}
    for action in JOB_ACTIONS.values():
        if action.under is Under.PICTURES:
            for one in action.buttons(job, pictures):
                groups[one.row].append(_component(action, job, one))
    rows = [row for group in groups.values() for row in as_chunks(group, ROW_LENGTH)]
    if len(rows) > MOST_ROWS:
        rows = [*as_chunks(chain.from_iterable(rows), ROW_LENGTH)]
    return Buttons(rows)


def waiting_view(job: Job) -> Buttons:
    """Return the buttons of a waiting or running job."""
    actions = [action for action in JOB_ACTIONS.values() if action.under is Under.OPEN]
    row = [
        _component(action, job, action.button(), id=number)
        for number, action in enumerate(actions, OURS)
    ]
    return Buttons([row])


def answer_view(job: Job, action: JobAction) -> Buttons:
    """Return the single button of an action that appears under another action's reply."""
    return Buttons([[_component(action, job, action.button())]])


def _component(action: JobAction, job: Job, look: Button, **more: Any) -> Component:  # noqa: ANN401
    custom_id = CustomId.of(job, action.name, look.index)
    return button(custom_id, look.label, look.emoji, look.style, **more)

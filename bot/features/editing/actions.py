"""The buttons under a single picture that draw around it, or all of it in a larger size."""

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import ClassVar

import discord

from bot.db.records import Job
from bot.options.registry import OPTIONS
from bot.options.values import Number
from bot.texts import say
from bot.ui.actions.job_actions import Button, JobAction, Row
from bot.ui.actions.press import Press
from bot.ui.delivery.first_answer import first_answer
from bot.ui.forms import NUMBER, Input, asking, modal, texts_in
from generation.editing.framing import ZOOM, Framing

ZOOM_USUAL = 2.0


class Edit(JobAction):
    """The base of buttons that edit the only picture of a job."""

    row = Row.EDIT
    makes_job = True

    def buttons(self, job: Job, pictures: Sequence[int]) -> Iterable[Button]:
        """Return one, if there is one picture that was generated."""
        single = job.request.num_images == len(pictures) == 1
        return [self.button(pictures[0])] if single and not job.uploaded else []


class Around(Edit):
    """Draws around a picture."""

    @abstractmethod
    def frame(self, width: int, height: int) -> Framing:
        """Return what is drawn around a picture of this size in pixels."""

    async def press(self, press: Press) -> None:
        """Make the job."""
        job = await press.app.jobs.derived.outpaint(
            press.job.id, press.picture, press.context, frame=self.frame
        )
        await first_answer(press.interaction, press.app.jobs, job)


class ZoomOut(Around):
    """Draws twice as much in each direction."""

    name = "zoomout"
    label = "button-zoom-out"
    emoji = "🔎"
    factor: ClassVar[float] = 2.0

    def button(self, index: int | None = None, row: Row | None = None, **fields: str) -> Button:
        """Return the button, which names the factor."""
        return super().button(index, row, factor=f"{self.factor:g}", **fields)

    def frame(self, width: int, height: int) -> Framing:  # noqa: ARG002
        """Return a smaller picture in the middle."""
        return Framing(zoom=self.factor)


class ZoomOutLess(ZoomOut):
    """Draws one and a half times as much in each direction."""

    name = "zoomless"
    factor = 1.5


class CustomZoom(Edit):
    """Asks how far to zoom out, and for the prompt."""

    name = "customzoom"
    label = "button-custom-zoom"
    emoji = "🔎"
    opens_form = True

    async def press(self, press: Press) -> None:
        """Open the form."""
        filled = await press.app.jobs.derived.form(press.job.id, press.context)
        await press.interaction.response.send_modal(zoom_form(press.custom_id, filled))
        press.app.cooldowns.granted(press.interaction)

    async def submit(self, press: Press) -> None:
        """Make the job."""
        form = texts_in(press.interaction)
        factor = Number(*ZOOM).read("zoom", form.pop("zoom", ""))
        job = await press.app.jobs.derived.outpaint(
            press.job.id,
            press.picture,
            press.context,
            frame=lambda _width, _height: Framing(zoom=factor),
            form=form,
        )
        await first_answer(press.interaction, press.app.jobs, job)


class MakeSquare(Around):
    """Draws what makes a picture square."""

    name = "square"
    label = "button-make-square"
    emoji = "🔳"

    def buttons(self, job: Job, pictures: Sequence[int]) -> Iterable[Button]:
        """Return it if the picture is not square."""
        width, height = job.request.result_size
        return [] if width == height else super().buttons(job, pictures)

    def frame(self, width: int, height: int) -> Framing:
        """Return the room on both sides."""
        return Framing.square(width, height)


class Pan(Around):
    """Draws what is beside a picture, on one ``side``."""

    row = Row.PAN
    side: ClassVar[str]

    def frame(self, width: int, height: int) -> Framing:
        """Return the room on that side."""
        return Framing.pan(self.side, width, height)


class PanLeft(Pan):
    """Draws what is left of it."""

    name = "panleft"
    label = "button-pan-left"
    side = "left"


class PanRight(Pan):
    """Draws what is right of it."""

    name = "panright"
    label = "button-pan-right"
    side = "right"


class PanUp(Pan):
    """Draws what is above it."""

    name = "panup"
    label = "button-pan-up"
    side = "top"


class PanDown(Pan):
    """Draws what is below it."""

    name = "pandown"
    label = "button-pan-down"
    side = "bottom"


class Hires(Edit):
    """Draws a picture again in a larger size, with a second pass."""

    name = "hires"
    label = "button-hires"
    emoji = "✨"
    row = Row.PAN

    def buttons(self, job: Job, pictures: Sequence[int]) -> Iterable[Button]:
        """Return it unless the picture had a second pass."""
        return [] if job.request.hires is not None else super().buttons(job, pictures)

    async def press(self, press: Press) -> None:
        """Make the job."""
        job = await press.app.jobs.derived.hires(press.job.id, press.picture, press.context)
        await first_answer(press.interaction, press.app.jobs, job)


def zoom_form(custom_id: str, filled: dict[str, str]) -> discord.ui.Modal:
    """Return the form for the zoom and the prompt."""
    inputs, notes = asking((OPTIONS["prompt"],), filled)
    least, most = (f"{one:g}" for one in ZOOM)
    hint = say("form-zoom.hint", least=least, most=most)
    zoom = Input("zoom", say("form-zoom"), hint, NUMBER | {"required": True})
    filled = {**filled, "zoom": f"{ZOOM_USUAL:g}"}
    return modal(say("form-custom-zoom"), custom_id, (*inputs, zoom), filled, notes)

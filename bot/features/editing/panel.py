"""The panel in which a region is picked: a picture with a grid, and a button for each cell."""

import asyncio
import io
import re
from dataclasses import dataclass, field
from typing import Any, Self

import discord
from discord.utils import as_chunks

from bot.core.admission.visibility import Right
from bot.core.errors import ForeignButton, NothingToDo
from bot.core.kept import Kept
from bot.core.pictures.gallery import Gallery
from bot.db.records import Job
from bot.features.editing.actions import Edit
from bot.features.editing.region import (
    ALL,
    CELLS,
    COLUMNS,
    TEMPLATE,
    Region,
    RegionId,
    base_of,
    sketch,
)
from bot.options.registry import OPTIONS
from bot.texts import say
from bot.ui.actions.buttons import Buttons, Component, button
from bot.ui.actions.press import LastingButton, Press
from bot.ui.delivery.first_answer import first_answer
from bot.ui.forms import asking, modal, option_input, texts_in
from bot.ui.interaction import Interaction, app_of
from bot.ui.interaction_context import actor_of, request_context_of

MOST_PANELS = 500
MOST_PICTURES = 100  # about 50 KiB each


@dataclass(slots=True)
class Panel:
    """What is picked in one message, and how often something was pressed there."""

    region: Region
    presses: int = 0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class Panels:
    """The latest panels, so that quick presses add up, and their pictures.

    After a restart the name of a panel's file says what was picked.
    """

    def __init__(self) -> None:
        self._panels: Kept[int, Panel] = Kept(MOST_PANELS)
        self._bases: Kept[str, bytes] = Kept(MOST_PICTURES)

    def of(self, interaction: Interaction) -> Panel:
        """Return the panel of the message that was used; raises NothingToDo if there is none."""
        message = interaction.message
        if message is None:
            raise NothingToDo(say("error-button-unknown"))
        panel = self._panels.get(message.id)
        if panel is None:
            names = [file.filename for file in message.attachments]
            panel = Panel(Region.from_file_name(names[0]) if names else Region())
            self._panels.put(message.id, panel)
        return panel

    async def draw(self, interaction: Interaction, job: Job, index: int, region: Region) -> bytes:
        """Return the picture with the grid; raises PictureNotFound."""
        jobs, context = app_of(interaction).jobs, request_context_of(interaction)
        picture = await jobs.derived.picture(job.id, index, context)

        async def read() -> bytes:
            png = await jobs.derived.read(picture)
            return await asyncio.to_thread(base_of, png)

        base = await self._bases.get_or_read(picture.sha256, read)
        return await asyncio.to_thread(sketch, base, region)


class EditRegion(Edit):
    """Opens the panel in which a region is picked."""

    name = "region"
    label = "button-edit-region"
    emoji = "🖌️"

    async def press(self, press: Press) -> None:
        """Show the panel to one person."""
        await press.app.jobs.derived.form(press.job.id, press.context)  # whether they may at all
        region = Region()
        shown = await press.app.get(Panels).draw(
            press.interaction, press.job, press.picture, region
        )
        await press.interaction.response.send_message(
            say("region-panel"),
            file=discord.File(io.BytesIO(shown), region.file_name),
            view=panel_view(press.job, press.picture, region),
            ephemeral=True,
        )
        press.app.cooldowns.granted(press.interaction)


class RegionButton(
    LastingButton, discord.ui.DynamicItem[discord.ui.Button[Any]], template=TEMPLATE
):
    """A cell or a tool of a panel."""

    def __init__(self, sent: RegionId) -> None:
        self.sent = sent
        super().__init__(discord.ui.Button(custom_id=str(sent)))

    @classmethod
    def parse(cls, match: re.Match[str]) -> Self:
        """Return the button with this custom id."""
        return cls(RegionId.from_match(match))

    async def pressed(self, interaction: Interaction) -> None:
        """Change what is picked and show it, or ask what to draw there."""
        app, sent = app_of(interaction), self.sent
        app.cooldowns.pick(interaction)
        job = await _job(interaction, sent)
        panel = app.get(Panels).of(interaction)
        if sent.tool == "draw":
            check(panel.region)
            await _ask(interaction, job, sent)
            return
        panel.region = panel.region.pressed(sent.tool)
        panel.presses = mine = panel.presses + 1
        async with panel.turn:
            if mine != panel.presses:  # a later press shows this one, too
                await interaction.response.defer()
                return
            region = panel.region
            shown = await app.get(Panels).draw(interaction, job, sent.index, region)
            await interaction.response.edit_message(
                attachments=[discord.File(io.BytesIO(shown), region.file_name)],
                view=panel_view(job, sent.index, region),
            )


def panel_view(job: Job, index: int, region: Region) -> Buttons:
    """Return the cells' buttons, as they lie on the picture, and the tools below."""

    def tool(name: str, label: str, *, chosen: bool = False, **look: Any) -> Component:  # noqa: ANN401
        style = discord.ButtonStyle.primary if chosen else discord.ButtonStyle.secondary
        return button(RegionId.of(job, index, name), label, **{"style": style, **look})

    cells = [tool(str(cell), str(cell + 1), chosen=region.has(cell)) for cell in range(CELLS)]
    tools = [
        tool("rows", say("region-rows"), chosen=region.rows),
        tool("invert", say("region-invert")),
        tool("feather", say("region-feather", pixels=str(region.feather_px))),
        tool("clear", say("region-clear"), disabled=not region.cells),
        tool("draw", say("region-draw"), emoji="🖌️", style=discord.ButtonStyle.success),
    ]
    return Buttons([*as_chunks(cells, COLUMNS), tools])


def check(region: Region) -> None:
    """Raise NothingToDo unless a part is picked, and a part is left."""
    if not region.cells:
        raise NothingToDo(say("error-region-none"))
    if region.cells == ALL:
        raise NothingToDo(say("error-region-all"))


async def _ask(interaction: Interaction, job: Job, sent: RegionId) -> None:
    """Open the form with the picture's own prompt."""
    filled = await app_of(interaction).jobs.derived.form(job.id, request_context_of(interaction))
    inputs, notes = asking((OPTIONS["prompt"],), filled)
    inputs.append(option_input(OPTIONS["strength"]))
    filled = {**filled, "strength": "1"}
    form = modal(say("form-edit-region"), str(sent), inputs, filled, notes)
    await interaction.response.send_modal(form)


async def submitted(interaction: Interaction, match: re.Match[str]) -> None:
    """Make the job of a submitted form."""
    sent = RegionId.from_match(match)
    app = app_of(interaction)
    app.cooldowns.request(interaction)
    job = await _job(interaction, sent)
    region = app.get(Panels).of(interaction).region
    check(region)
    form = texts_in(interaction)
    strength = form.pop("strength", "").strip()
    made = await app.jobs.derived.inpaint(
        job.id,
        sent.index,
        request_context_of(interaction),
        mask=region.mask,
        feather=region.feather_px,
        form=form,
        strength=OPTIONS["strength"].value.read("strength", strength) if strength else 1.0,
    )
    await first_answer(interaction, app.jobs, made)


async def _job(interaction: Interaction, sent: RegionId) -> Job:
    """Return the job of a button or form if the person may see it; raises JobError."""
    actor, gallery = actor_of(interaction), app_of(interaction).get(Gallery)
    found = await gallery.job(sent.job_id, actor)
    if found is not None and found.mark != sent.mark:
        raise ForeignButton
    return await gallery.check(found, actor, Right.SEE)

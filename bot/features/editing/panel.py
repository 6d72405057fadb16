"""The panel in which a region is picked: a picture with a grid, and a button for each cell.

Where a segmenter is installed, words pick, too.
"""

import asyncio
import io
import re
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Self

import discord
from discord.utils import as_chunks

from bot.core.admission.visibility import Right
from bot.core.errors import ForeignButton, NothingToDo
from bot.core.kept import Kept
from bot.core.pictures.gallery import Gallery
from bot.db.records import Job
from bot.features.editing.actions import Edit
from bot.features.editing.finding import Finding
from bot.features.editing.region import (
    CELLS,
    COLUMNS,
    FEATHERS,
    ROWS,
    TEMPLATE,
    Levels,
    Region,
    RegionId,
    base_of,
    sketch,
)
from bot.options.registry import OPTIONS
from bot.options.values import Whole
from bot.texts import say
from bot.ui.actions.buttons import Buttons, Component, button
from bot.ui.actions.press import LastingButton, Press
from bot.ui.autocomplete import catalog_here
from bot.ui.delivery.first_answer import first_answer
from bot.ui.delivery.thinking import thinking
from bot.ui.forms import NUMBER, Input, asking, modal, option_input, texts_in
from bot.ui.interaction import Interaction, app_of
from bot.ui.interaction_context import actor_of, request_context_of
from bot.ui.trouble import shorten
from generation.vision.segmenters import WORDS_LENGTH

MOST_PANELS = 500
MOST_PICTURES = 100  # about 50 KiB each
MOST_LEVELS = 100  # about 120 KiB each
WORDS_SHOWN = 25  # characters on the button


@dataclass(slots=True)
class Panel:
    """What is picked in one message, and how often something was pressed there."""

    region: Region
    presses: int = 0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class Panels:
    """The latest panels, so that quick presses add up, their pictures, and what words mean there.

    After a restart the name of a panel's file says what was picked, and its description the words.
    """

    def __init__(self, finding: Finding) -> None:
        self._finding = finding
        self._panels: Kept[int, Panel] = Kept(MOST_PANELS)
        self._bases: Kept[str, bytes] = Kept(MOST_PICTURES)
        self._levels: Kept[tuple[str, str], Levels] = Kept(MOST_LEVELS)

    def of(self, interaction: Interaction) -> Panel:
        """Return the panel of the message that was used; raises NothingToDo if there is none."""
        message = interaction.message
        if message is None:
            raise NothingToDo(say("error-button-unknown"))
        panel = self._panels.get(message.id)
        if panel is None:
            shown = ((file.filename, file.description or "") for file in message.attachments)
            name, words = next(shown, ("", ""))
            panel = Panel(Region.from_file_name(name, words[:WORDS_LENGTH]))
            self._panels.put(message.id, panel)
        return panel

    def knows(self, sha256: str, words: str) -> bool:
        """Tell whether what words mean in a picture is at hand, so that it takes no time."""
        return not words or self._levels.get((sha256, words)) is not None

    async def levels(
        self, interaction: Interaction, job: Job, index: int, words: str
    ) -> Levels | None:
        """Return what words mean in a job's picture, None of none; raises as `Finding.levels`."""
        if not words:
            return None
        derived = app_of(interaction).jobs.derived
        picture = await derived.picture(job.id, index, request_context_of(interaction))

        async def find() -> Levels:
            await app_of(interaction).jobs.may_look(request_context_of(interaction))
            png = await derived.read(picture)
            return await self._finding.levels(app_of(interaction).catalog, png, words)

        return await self._levels.get_or_read((picture.sha256, words), find)

    async def draw(self, interaction: Interaction, job: Job, index: int, region: Region) -> bytes:
        """Return the picture with the grid; raises PictureNotFound, and what `levels` raises."""
        derived = app_of(interaction).jobs.derived
        picture = await derived.picture(job.id, index, request_context_of(interaction))

        async def read() -> bytes:
            png = await derived.read(picture)
            return await asyncio.to_thread(base_of, png)

        base = await self._bases.get_or_read(picture.sha256, read)
        levels = await self.levels(interaction, job, index, region.words)
        return await asyncio.to_thread(sketch, base, region, levels)


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
        words = bool(catalog_here(press.interaction).segmenters)
        await press.interaction.response.send_message(
            say("region-panel-words") if words else say("region-panel"),
            file=_file(shown, region),
            view=panel_view(press.job, press.picture, region, words=words),
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
        """Change what is picked and show it, or ask for words, or what to draw there."""
        app, sent = app_of(interaction), self.sent
        app.cooldowns.pick(interaction)
        job = await _job(interaction, sent)
        panel = app.get(Panels).of(interaction)
        if sent.tool == "draw":
            check(panel.region)
            await _ask(interaction, job, sent, panel.region)
        elif sent.tool == "words":
            await _ask_words(interaction, sent, panel.region)
        else:
            panel.region = panel.region.pressed(sent.tool)
            await _show(interaction, job, sent.index, panel)


def panel_view(job: Job, index: int, region: Region, *, words: bool) -> Buttons:
    """Return the cells' buttons, as they lie on the picture, and the tools below.

    With ``words`` one of them asks for some, and the form asks for the feather instead.
    """

    def tool(name: str, label: str, *, chosen: bool = False, **look: Any) -> Component:  # noqa: ANN401
        style = discord.ButtonStyle.primary if chosen else discord.ButtonStyle.secondary
        return button(RegionId.of(job, index, name), label, **{"style": style, **look})

    def by_words() -> Component:
        shown = shorten(region.words, WORDS_SHOWN)
        label = say("region-words-picked", words=shown) if shown else say("region-words")
        return tool("words", label, chosen=bool(shown))

    cells = [tool(str(cell), str(cell + 1), chosen=region.has(cell)) for cell in range(CELLS)]
    tools = [
        tool("rows", say("region-rows"), chosen=region.rows),
        tool("invert", say("region-invert")),
        by_words()
        if words or region.words
        else tool("feather", say("region-feather", pixels=str(region.feather_px))),
        tool("clear", say("region-clear"), disabled=not (region.cells or region.words)),
        tool("draw", say("region-draw"), emoji="🖌️", style=discord.ButtonStyle.success),
    ]
    return Buttons([*as_chunks(cells, COLUMNS), tools])


def check(region: Region, levels: Levels | None = None) -> None:
    """Raise NothingToDo unless a part is picked, and a part is left, as far as can be told."""
    if region.words and levels is None:
        return
    white = region.white(*(levels.size if levels else (COLUMNS, ROWS)), levels)
    least, most = white.getextrema()
    if not most:
        raise NothingToDo(say("error-region-none"))
    if least:
        raise NothingToDo(say("error-region-all"))


async def _show(interaction: Interaction, job: Job, index: int, panel: Panel) -> None:
    """Show what is picked now, unless a later press shows this one, too."""
    app, response = app_of(interaction), interaction.response
    panels, context = app.get(Panels), request_context_of(interaction)
    panel.presses = mine = panel.presses + 1
    picture = await app.jobs.derived.picture(job.id, index, context)
    slow = panel.turn.locked() or not panels.knows(picture.sha256, panel.region.words)
    if slow and not response.is_done():
        await response.defer()  # what they mean has to be found again
    async with panel.turn:
        if mine != panel.presses:
            if not response.is_done():
                await response.defer()
            return
        region = panel.region
        shown = await panels.draw(interaction, job, index, region)
        words = bool(catalog_here(interaction).segmenters)
        changed: dict[str, Any] = {
            "attachments": [_file(shown, region)],
            "view": panel_view(job, index, region, words=words),
        }
        if response.is_done():
            await interaction.edit_original_response(**changed)
        else:
            await response.edit_message(**changed)


def _file(shown: bytes, region: Region) -> discord.File:
    return discord.File(io.BytesIO(shown), region.file_name, description=region.words or None)


async def _ask(interaction: Interaction, job: Job, sent: RegionId, region: Region) -> None:
    """Open the form with the picture's own prompt."""
    app = app_of(interaction)
    filled = await app.jobs.derived.form(job.id, request_context_of(interaction))
    inputs, notes = asking((OPTIONS["prompt"],), filled)
    inputs.append(option_input(OPTIONS["strength"]))
    filled = {**filled, "strength": "1", "feather": str(region.feather_px)}
    if catalog_here(interaction).segmenters:
        hint = say("form-feather.hint", most=FEATHERS[-1])
        inputs.append(Input("feather", say("form-feather"), hint, NUMBER))
    form = modal(say("form-edit-region"), str(sent), inputs, filled, notes)
    await interaction.response.send_modal(form)


async def _ask_words(interaction: Interaction, sent: RegionId, region: Region) -> None:
    look = {"max_length": WORDS_LENGTH, "required": False}
    words = Input("words", say("form-words"), say("form-words.hint"), look)
    # Its custom id is another each time: a second one is no double click.
    custom_id, filled = f"{sent}:{interaction.id}", {"words": region.words}
    form = modal(say("form-region-words"), custom_id, (words,), filled)
    await interaction.response.send_modal(form)


async def submitted(interaction: Interaction, match: re.Match[str]) -> None:
    """Make the job of a submitted form, or pick what words mean."""
    sent = RegionId.from_match(match)
    app = app_of(interaction)
    if sent.tool == "words":
        await _pick(interaction, sent)
        return
    app.cooldowns.request(interaction)
    job = await _job(interaction, sent)
    region = app.get(Panels).of(interaction).region
    check(region)
    form = texts_in(interaction)
    strength, feather = (form.pop(one, "").strip() for one in ("strength", "feather"))
    context = request_context_of(interaction)
    async with thinking(interaction, private=job.origin.private):
        levels = await app.get(Panels).levels(interaction, job, sent.index, region.words)
        check(region, levels)
        made = await app.jobs.derived.inpaint(
            job.id,
            sent.index,
            context,
            mask=partial(region.mask, levels=levels),
            feather=_FEATHER.read("feather", feather) if feather else region.feather_px,
            form=form,
            strength=OPTIONS["strength"].value.read("strength", strength) if strength else 1.0,
        )
    await first_answer(interaction, app.jobs, made)


async def _pick(interaction: Interaction, sent: RegionId) -> None:
    """Pick what the words of a submitted form mean, besides the cells."""
    app = app_of(interaction)
    app.cooldowns.click(interaction)
    job = await _job(interaction, sent)
    panels = app.get(Panels)
    panel = panels.of(interaction)
    words = " ".join(texts_in(interaction).get("words", "").split())
    await interaction.response.defer()
    await panels.levels(interaction, job, sent.index, words)
    panel.region = replace(
        panel.region, words=words, inverted=bool(words) and panel.region.inverted
    )
    await _show(interaction, job, sent.index, panel)


_FEATHER = Whole(FEATHERS[0], FEATHERS[-1])


async def _job(interaction: Interaction, sent: RegionId) -> Job:
    """Return the job of a button or form if the person may see it; raises JobError."""
    actor, gallery = actor_of(interaction), app_of(interaction).get(Gallery)
    found = await gallery.job(sent.job_id, actor)
    if found is not None and found.mark != sent.mark:
        raise ForeignButton
    return await gallery.check(found, actor, Right.SEE)

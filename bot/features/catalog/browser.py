"""Paged checkpoints and styles, each with an example picture generated here."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import discord

from bot.core.discord_limits import EMBED_TITLE_LENGTH, EMBEDS_LENGTH
from bot.core.pictures.example_store import Shown
from bot.core.pictures.gallery import Gallery
from bot.features.catalog.pictures import OwnersPictures
from bot.options import describe
from bot.options.registry import OPTIONS
from bot.texts import say
from bot.texts.inert import cut, inert, inert_list, plain
from bot.ui.interaction import Interaction
from bot.ui.interaction_context import viewer_of
from bot.ui.pages.paging import Pager
from generation.catalog import Catalog, Checkpoint
from generation.styles import Style

PAGE = 5
TEXT_LENGTH = EMBEDS_LENGTH // PAGE - 300  # of an embed, without its title


@dataclass(frozen=True, slots=True)
class Entry:
    """A checkpoint or style, and its description in Discord's markup."""

    name: str
    text: str
    picture: Path | None = None  # its owner's
    id: int = 0  # its position in the list


class CatalogBrowser(Pager[Entry]):
    """Pages of entries, for one person.

    ``shown`` is what pictures made here are examples of; None for entries without any.
    """

    page_length = PAGE

    def __init__(
        self,
        gallery: Gallery,
        pictures: OwnersPictures,
        shown: Shown | None,
        entries: Sequence[Entry],
        interaction: Interaction,
    ) -> None:
        numbered = [replace(entry, id=number) for number, entry in enumerate(entries, 1)]

        async def load(after: int | None, limit: int) -> Sequence[Entry]:
            return numbered[after or 0 :][:limit]

        super().__init__(load, interaction)
        self._gallery, self._pictures, self._shown = gallery, pictures, shown
        self.newer.label, self.older.label = say("page-back"), say("page-on")

    async def page(self, shown: Sequence[Entry]) -> dict[str, Any]:
        """Return an embed with an example picture for each entry."""
        pictures = await self._examples(shown)
        embeds: list[discord.Embed] = []
        files: list[discord.File] = []
        for place, entry in enumerate(shown):
            text = cut(entry.text, TEXT_LENGTH)
            embed = discord.Embed(title=inert(entry.name, EMBED_TITLE_LENGTH), description=text)
            if entry.name in pictures:
                file = f"example-{place}.{_kind(pictures[entry.name])}"
                alt = say("example-alt", name=plain(entry.name, EMBED_TITLE_LENGTH))
                files.append(discord.File(io.BytesIO(pictures[entry.name]), file, description=alt))
                embed.set_thumbnail(url=f"attachment://{file}")
            embeds.append(embed)
        return {"embeds": embeds, "attachments": files}

    async def _examples(self, shown: Sequence[Entry]) -> dict[str, bytes]:
        """Return pictures by name: those that the owner put there, else the latest made here."""
        found: dict[str, bytes] = {}
        for entry in shown:
            if entry.picture and (small := await self._pictures.read(entry.picture)):
                found[entry.name] = small
        others = [entry.name for entry in shown if entry.name not in found]
        if self._shown is None:
            return found
        return found | await self._gallery.examples(self._shown, others, viewer_of(self._asked))


def checkpoint_entry(checkpoint: Checkpoint, catalog: Catalog) -> Entry:
    """Describe a checkpoint's settings, and whether it is the default."""
    settings = describe.own_settings(checkpoint)
    text = say("checkpoint-settings", size=str(checkpoint.size), **settings)
    if checkpoint.name == catalog.default:
        text += "\n" + say("checkpoint-default")
    return Entry(checkpoint.name, text, checkpoint.picture)


def style_entry(style: Style) -> Entry:
    """Describe what a style adds to the prompt, and what it is for."""
    lines = [inert(style.description)] if style.description else []
    lines.append(say("style-prompt", prompt=inert(style.prompt)))
    if style.negative_prompt:
        lines.append(say("style-without", prompt=inert(style.negative_prompt)))
    if style.adapters:
        lines.append(say("style-loras", loras=OPTIONS["lora"].value.said(style.adapters)))
    if style.checkpoints:
        lines.append(say("style-for", checkpoints=inert_list(style.checkpoints)))
    return Entry(style.name, "\n".join(lines))


def _kind(picture: bytes) -> str:
    return "png" if picture.startswith(b"\x89PNG") else "webp"

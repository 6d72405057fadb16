"""Paged LoRAs, each with a button that begins a request with it."""

from collections.abc import Iterator, Sequence
from typing import Any

import discord

from bot.core.discord_limits import BUTTON_LABEL_LENGTH
from bot.core.pictures.gallery import Gallery
from bot.features.catalog.browser import CatalogBrowser, Entry
from bot.features.catalog.pictures import OwnersPictures
from bot.options.permutations import escape
from bot.options.registry import OPTIONS
from bot.texts import all_of, say
from bot.texts.inert import inert, plain
from bot.ui.autocomplete import catalog_here, search
from bot.ui.forms import imagine_form
from bot.ui.interaction import Interaction
from generation.catalog import Catalog
from generation.catalog.adapters import Adapter, Distillation
from generation.prompts.adapters import AdapterUse, written

PROMPT_BEGUN = 500  # characters of trigger words in a form


class LoraBrowser(CatalogBrowser):
    """Pages of LoRAs, for one person."""

    def __init__(
        self,
        gallery: Gallery,
        pictures: OwnersPictures,
        entries: Sequence[Entry],
        interaction: Interaction,
    ) -> None:
        super().__init__(gallery, pictures, None, entries, interaction)
        self._uses: list[_Use] = []

    async def page(self, shown: Sequence[Entry]) -> dict[str, Any]:
        """Return an embed for each, and put a button for each below."""
        for use in self._uses:
            self.remove_item(use)
        self._uses = [_Use(entry.name) for entry in shown]
        for use in self._uses:
            self.add_item(use)
        return await super().page(shown)

    def _buttons(self) -> "LoraBrowser":
        return self


class _Use(discord.ui.Button[LoraBrowser]):
    """Opens a form with the LoRA and its trigger words in the prompt."""

    def __init__(self, name: str) -> None:
        super().__init__(emoji="🎨", label=plain(name, BUTTON_LABEL_LENGTH), row=1)
        self._name = name

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Open it; by now the LoRA may be gone, which raises AdapterUnavailable."""
        lora = catalog_here(interaction).adapter(self._name)
        await interaction.response.send_modal(
            imagine_form(interaction, {"prompt": prompt_with(lora)})
        )


def prompt_with(lora: Adapter) -> str:
    """Return the beginning of a prompt: the LoRA and its trigger words, to be written on."""
    tag = written(AdapterUse(lora.name, lora.weight, lora.weight))
    words: list[str] = []
    for word in lora.triggers:
        if len(", ".join((*words, word))) > PROMPT_BEGUN:
            break
        words.append(word)
    return escape(f"{tag} " + "".join(f"{word}, " for word in words))


def found(here: Catalog, wanted: str) -> list[Adapter]:
    """Return the LoRAs that can be chosen and have these words in a name or a trigger word."""
    texts = {
        " ".join((name, one.title, *one.triggers)): one
        for name in here.adapter_names
        for one in (here.adapters[name],)
    }
    return [texts[text] for text in search(texts, wanted)]


def lora_entry(lora: Adapter) -> Entry:
    """Describe what a LoRA is for, its trigger words, and what it brings."""
    lines = []
    if lora.title and lora.title.casefold() != lora.name.casefold():
        lines.append(inert(lora.title))
    if lora.family_title:
        lines.append(say("lora-family", family=lora.family_title))
    if lora.triggers:
        lines.append(say("lora-triggers", words=inert(", ".join(lora.triggers))))
    if lora.weight != 1:
        lines.append(say("lora-weight", weight=f"{lora.weight:g}"))
    if lora.distillation is not None:
        lines.append(say("lora-brings", settings=all_of(_brought(lora.distillation))))
    return Entry(lora.name, "\n".join(lines) or say("lora-unknown"), lora.picture)


def _brought(settings: Distillation) -> Iterator[str]:
    if (steps := settings.num_inference_steps) is not None:
        yield say("lora-steps", steps=steps)
    if settings.sampler is not None:
        yield str(OPTIONS["sampler"].value.said(settings.sampler))
    if settings.guidance_scale is not None:
        yield say("lora-guidance", guidance=f"{settings.guidance_scale:g}")

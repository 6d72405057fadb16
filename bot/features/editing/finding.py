"""What words mean in a picture, found one at a time in a separate process."""

import asyncio
import io
from pathlib import Path

from PIL import Image, ImageChops

from bot.core.errors import NothingToDo
from bot.core.pictures.model_process import ModelProcess
from bot.texts import say
from bot.texts.inert import inert
from generation.catalog import Catalog
from generation.errors import InvalidRequest
from generation.phrases import Phrase
from generation.source_image import encoded
from generation.vision.segmenters import levels_in, mask_in, phrases_of

SIDE = 512  # pixels of the longer side that a segmenter gets; CLIPSeg looks at 352
WORDS_SHOWN = 100


class Finding(ModelProcess):
    """A process that finds what words mean."""

    module = "generation.vision.finding"

    def trouble(self) -> str:
        """Return the line for a person where its model cannot be used."""
        return say("error-segmenter")

    async def levels(self, catalog: Catalog, png: bytes, words: str) -> Image.Image:
        """Return how likely each part of a picture of ours is what words mean, 0 to 255.

        Raises InvalidRequest, naming ``mask_words``, NothingToDo where no segmenter is installed,
        or nothing is likely, and FileUnavailable as `ask`.
        """
        phrases = phrases_of(words)
        folder = installed(catalog)
        said = await self.ask(folder, await asyncio.to_thread(_smaller, png), phrases=phrases)
        try:
            levels = levels_in(said)
        except (ValueError, KeyError, TypeError) as error:
            raise self.unusable(folder, repr(error)) from error
        if mask_in(levels, *levels.size) is None:
            raise NothingToDo(say("error-words-nothing", words=inert(words, WORDS_SHOWN)))
        return levels


def installed(catalog: Catalog) -> Path:
    """Return the segmenter's folder; raises NothingToDo, which says what would have to be there."""
    if not catalog.segmenters:
        raise NothingToDo(say("error-no-segmenter"))
    return catalog.segmenters[0]


def mask_png(levels: Image.Image, width: int, height: int) -> bytes:
    """Return the mask of what is likely in a picture of this size. Blocks: call it in a thread.

    Raises InvalidRequest, naming ``mask_words``, if that is everything.
    """
    mask = mask_in(levels, width, height) or Image.new("L", (width, height))
    if ImageChops.invert(mask).getbbox() is None:
        raise InvalidRequest("mask_words", Phrase("bound-mask-full"))
    return encoded(mask)


def _smaller(png: bytes) -> bytes:
    with Image.open(io.BytesIO(png), formats=("PNG",)) as picture:
        small = picture.convert("RGB")
    small.thumbnail((SIDE, SIDE))
    return encoded(small)

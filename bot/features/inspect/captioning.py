"""Captions for pictures, written one at a time in a separate process."""

from pathlib import Path

from bot.core.pictures.model_process import ModelProcess
from bot.texts import say

CAPTIONS = 4


class Captioning(ModelProcess):
    """A process that describes pictures."""

    module = "generation.vision.describing"

    def trouble(self) -> str:
        """Return the line for a person where its model cannot be used."""
        return say("error-captioner")

    async def describe(self, folder: Path, png: bytes) -> list[str]:
        """Return up to CAPTIONS different captions by the model in a folder; raises as `ask`."""
        said = await self.ask(folder, png, count=CAPTIONS)
        return [str(one) for one in said["captions"]]

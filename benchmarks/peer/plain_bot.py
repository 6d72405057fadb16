"""A plain bot, as most are: one `pipe()` at a time in a thread, and an edit for every step.

`python -m benchmarks.peer.plain_bot`
"""

import asyncio
import io
import os
from collections.abc import Callable
from typing import Any

import discord
import torch
import yarl
from diffusers import DPMSolverMultistepScheduler, StableDiffusionPipeline
from discord import app_commands
from discord.gateway import DiscordWebSocket
from PIL import Image

from generation.embedded import CHECKPOINT

discord.http.Route.BASE = os.environ["DISCORD__API_URL"]
DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(os.environ["DISCORD__GATEWAY_URL"])

STEPS, GUIDANCE = 20, 4.0  # what Darkroom takes for this checkpoint

device = "cuda" if torch.cuda.is_available() else "cpu"
dtype = torch.float16 if device == "cuda" else torch.float32
pipe = StableDiffusionPipeline.from_pretrained(CHECKPOINT, dtype=dtype)
pipe.scheduler = DPMSolverMultistepScheduler.from_config(
    pipe.scheduler.config, use_karras_sigmas=True
)
pipe.set_progress_bar_config(disable=True)
pipe.to(device)


def draw(prompt: str, count: int, on_step: Callable[[int], None]) -> list[Image.Image]:
    """Draw pictures; ``on_step`` is told of each step."""

    def note(_pipe: object, step: int, _time: object, given: dict[str, Any]) -> dict[str, Any]:
        on_step(step + 1)
        return given

    return pipe(
        prompt,
        num_images_per_prompt=count,
        num_inference_steps=STEPS,
        guidance_scale=GUIDANCE,
        callback_on_step_end=note,
    ).images


def png(image: Image.Image, number: int) -> discord.File:
    """Return a picture's file."""
    file = io.BytesIO()
    image.save(file, "PNG")
    file.seek(0)
    return discord.File(file, f"{number}.png")


class PlainBot(discord.Client):
    """Draws for one person at a time."""

    def __init__(self) -> None:
        super().__init__(intents=discord.Intents.default())
        self.tree = app_commands.CommandTree(self)
        self.lock = asyncio.Lock()

    async def setup_hook(self) -> None:
        """Tell Discord the command."""
        await self.tree.sync()


bot = PlainBot()


@bot.tree.command(description="Draw pictures")
async def imagine(
    interaction: discord.Interaction, prompt: str, count: app_commands.Range[int, 1, 4] = 1
) -> None:
    """Draw pictures, one person's after the other's."""
    await interaction.response.send_message(f"**{prompt}** waits.")
    loop = asyncio.get_running_loop()
    edits: list[asyncio.Task[Any]] = []

    def show(step: int) -> None:
        said = f"**{prompt}** step {step} of {STEPS}"
        edits.append(asyncio.create_task(interaction.edit_original_response(content=said)))

    def tell(step: int) -> None:
        loop.call_soon_threadsafe(show, step)

    async with bot.lock:
        images = await asyncio.to_thread(draw, prompt, count, tell)
    await asyncio.gather(*edits)
    files = [png(image, number) for number, image in enumerate(images)]
    await interaction.edit_original_response(content=f"**{prompt}**", attachments=files)


bot.run(os.environ["DISCORD__TOKEN"], log_handler=None)

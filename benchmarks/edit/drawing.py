"""The engine for these figures, and pictures to edit."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from generation.catalog import EMBEDDED, Catalog
from generation.engine.engine import Engine
from generation.options import EngineOptions
from generation.request import Failed, GenerationRequest, Picture, Sampler

Pixels = NDArray[np.uint8]
SIDE = EMBEDDED.size
FEATHER = 16


def engine() -> Engine:
    """Return an engine with the built-in checkpoint."""
    return Engine(Catalog({EMBEDDED.name: EMBEDDED}, EMBEDDED.name), options=EngineOptions(rows=8))


def gradient(angle: float) -> Image.Image:
    """Return a smooth picture, whose colours change along a direction in radians."""
    rows, columns = np.mgrid[:SIDE, :SIDE] / (SIDE - 1) - 0.5
    along = 0.5 + (np.cos(angle) * columns + np.sin(angle) * rows) / 1.5
    colours = np.stack([40 + 170 * along, 90 + 60 * along, 200 - 150 * along], axis=-1)
    return Image.fromarray(colours.round().astype(np.uint8))


def png(picture: Image.Image) -> bytes:
    """Return a picture's file."""
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def redraw(
    engine: Engine, picture: Image.Image, mask: Image.Image, feather: int, seed: int
) -> Pixels:
    """Return a picture [height, width, 3] whose white part is drawn from noise."""
    request = GenerationRequest(
        prompt="a blue sky",
        checkpoint=EMBEDDED.name,
        width=picture.width,
        height=picture.height,
        num_inference_steps=8,
        guidance_scale=1.0,
        sampler=Sampler.DDIM,
        seed=seed,
        image=png(picture),
        strength=1.0,
        mask=png(mask),
        feather=feather,
    )
    engine.add(1, request)
    drawn: list[bytes] = []
    while not engine.idle:
        for _, event in engine.step():
            if isinstance(event, Failed):
                raise event.error
            if isinstance(event, Picture):
                drawn.append(event.png)
    return np.asarray(Image.open(io.BytesIO(drawn[0])))

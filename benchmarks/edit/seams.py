"""Whether ten zooms out, one of another, leave lines where each of them began."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from benchmarks.edit import drawing
from generation.architectures import ARCHITECTURES
from generation.catalog import EMBEDDED
from generation.editing.outpaint import OVERLAP, zoom_out
from generation.engine.engine import Engine
from generation.engine.samplers import build_scheduler
from generation.families.pipeline import Row
from generation.request import Sampler

ZOOMS = 10
FACTOR = 1.5
ANGLES = (0.0, 0.9, 2.2)
NEAR = 6  # px on both sides of a seam are its surroundings

Lines = NDArray[np.float64]


def measure() -> float:
    """Return the strongest seam with a denoiser that draws what the canvas suggests.

    What is left is what canvas, latents and pasting do, and no model's taste.
    """
    engine = drawing.engine()
    suggested = _Suggested(engine)
    return _strongest(engine, suggested.follow)


def measure_model() -> float:
    """Return the strongest seam with the built-in checkpoint's own denoiser.

    It draws what it likes around a gradient: a part of the figure is where its things happen to
    end.
    """
    return _strongest(drawing.engine(), lambda _canvas: None)


def _strongest(engine: Engine, begin: Callable[[Image.Image], None]) -> float:
    """Return the strongest seam, in levels of 255, of chains of zooms that begin as gradients.

    Seams are looked for after each zoom, on all four sides: where the picture ended, where the
    white begins, and where the soft edge ends. And once more in the last picture, where they all
    lie inside of each other. ``begin`` gets each canvas before it is drawn on.
    """
    strongest = 0.0
    for start, angle in enumerate(ANGLES):
        picture = drawing.gradient(angle)
        for zoom in range(ZOOMS):
            canvas = zoom_out(picture, FACTOR, ARCHITECTURES[EMBEDDED.family])
            begin(canvas.picture)
            seed = 100 * start + zoom
            drawn = drawing.redraw(engine, canvas.picture, canvas.mask, drawing.FEATHER, seed)
            picture = Image.fromarray(drawn)
            before = np.asarray(canvas.picture)
            inside = drawing.SIDE / 2 / FACTOR
            end = inside - OVERLAP - drawing.FEATHER
            found = [seam(drawn, inside), seam(drawn, inside - OVERLAP), seam(drawn, end, before)]
            strongest = max(strongest, *found)
        nested = [drawing.SIDE / 2 / FACTOR**zooms for zooms in range(2, ZOOMS + 1)]
        seen = [half for half in nested if half > NEAR]
        strongest = max(strongest, *(seam(drawn, half) for half in seen))
    return round(strongest, 2)


class _Suggested:
    """Stands for the denoiser: predicts the noise that is missing to the canvas."""

    def __init__(self, engine: Engine) -> None:
        pipeline: Any = engine.cache.take(EMBEDDED.name, lambda *_: None)
        self.canvas = Image.new("RGB", (drawing.SIDE,) * 2)
        self._pipeline = pipeline
        scheduler = build_scheduler(Sampler.DDIM, pipeline.scheduler_config)
        self._kept = scheduler.alphas_cumprod
        pipeline.predict = self.predict

    def follow(self, canvas: Image.Image) -> None:
        """Draw what this canvas suggests from now on."""
        self.canvas = canvas

    def predict(self, rows: Sequence[Row]) -> list[torch.Tensor]:
        """Return each row's output [1, channels, h, w]."""
        encode = self._pipeline._autoencoder.encode  # noqa: SLF001
        clean = encode(self.canvas, torch.float32)(torch.Generator().manual_seed(0))
        outputs = []
        for row in rows:
            alpha = float(self._kept[int(row.timestep)]) ** 0.5
            sigma = (1 - alpha**2) ** 0.5
            noise = (row.latents - alpha * clean) / sigma
            v_prediction = self._pipeline.prediction_type == "v_prediction"
            outputs.append(alpha * noise - sigma * clean if v_prediction else noise)
        return outputs


def seam(picture: drawing.Pixels, half: float, before: drawing.Pixels | None = None) -> float:
    """Return the strongest of the sides of a square in the middle, of twice ``half`` pixels.

    A seam is the mean step across the line, of all its pixels and channels, less the mean of the
    steps near it: what is drawn has steps of its own. What a picture was pasted from has its own
    steps, too, where the line lies in it: those of ``before``.
    """
    start, end = round(drawing.SIDE / 2 - half), round(drawing.SIDE / 2 + half)
    strongest = 0.0
    for turned in (0, 1):
        lines = _lines(picture, turned, start, end)
        was = None if before is None else _lines(before, turned, start, end)
        for at in (start, end):
            step, near = _step(lines, at)
            strongest = max(strongest, step - max(near, 0.0 if was is None else _step(was, at)[0]))
    return strongest


def _lines(picture: drawing.Pixels, turned: int, start: int, end: int) -> Lines:
    """Return the part of a picture that a square's sides cross, the lines along them first."""
    values = picture.astype(np.float64)
    return values[:, start:end] if turned else values[start:end].transpose(1, 0, 2)


def _step(lines: Lines, at: int) -> tuple[float, float]:
    """Return the strongest step within a pixel of a line, and the mean of those near it."""
    steps = np.abs(np.diff(lines, axis=0)).mean((1, 2))
    across = slice(max(0, at - 2), at + 1)
    beside = [*steps[max(0, at - 1 - NEAR) : across.start], *steps[across.stop : at + NEAR]]
    return float(steps[across].max()), float(np.mean(beside))

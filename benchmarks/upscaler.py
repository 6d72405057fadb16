"""The upscaler: its gain over Lanczos on photographs, its speed, and whether its tiles show."""

import logging
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from benchmarks import Figures
from generation.worker.worker import calm_threads

if TYPE_CHECKING:
    from generation.upscaler.tiles import Upscaler

log = logging.getLogger(__name__)

# Pictures bundled with scikit-image, which is not installed itself, as it would bring SciPy.
PACKAGE = "scikit-image==0.26.0"
PHOTOGRAPHS = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg")
DOWNLOADS = Path(".training") / "photographs"
LABELS = {
    "x2_gain_db": "×2, PSNR above Lanczos, mean over four photographs (dB)",
    "x4_gain_db": "×4, PSNR above Lanczos, mean over four photographs (dB)",
    "x2_512_s": "×2 of 512 × 512 px, s",
    "seam_levels": "tiled against untiled, largest difference (levels of 255)",
}


def run() -> Figures:
    """Measure in this process, on the device that the worker would use."""
    calm_threads()
    from generation.engine.device import pick_device
    from generation.upscaler.tiles import Upscaler

    try:
        photographs = _photographs()
    except (OSError, subprocess.CalledProcessError) as error:
        log.warning("the photographs cannot be fetched with pip: %s", error)
        return dict.fromkeys(LABELS)
    upscaler = Upscaler(pick_device())
    square = photographs[0]
    upscaler.upscale(square, 2)  # one-time setup
    begun = time.perf_counter()
    tiled = upscaler.upscale(square, 2)
    seconds = time.perf_counter() - begun
    untiled = Upscaler(pick_device(), tile=max(square.size)).upscale(square, 2)
    return {
        "x2_gain_db": round(float(np.mean([_gain(upscaler, one, 2) for one in photographs])), 2),
        "x4_gain_db": round(float(np.mean([_gain(upscaler, one, 4) for one in photographs])), 2),
        "x2_512_s": round(seconds, 2),
        "seam_levels": int((tiled.int() - untiled.int()).abs().max()),
    }


def _photographs() -> list[Image.Image]:
    """Return RGB photographs, the first of 512 × 512 px, fetched by pip if missing."""
    if not list(DOWNLOADS.glob("*.whl")):
        only_it = ("--quiet", "--no-deps", "--only-binary", ":all:", "--dest", str(DOWNLOADS))
        command = [sys.executable, "-m", "pip", "download", *only_it, PACKAGE]
        subprocess.run(command, check=True)
    with zipfile.ZipFile(next(DOWNLOADS.glob("*.whl"))) as archive:
        photographs = []
        for name in PHOTOGRAPHS:
            with archive.open(f"skimage/data/{name}") as file:
                photographs.append(Image.open(file).convert("RGB"))
    return photographs


def _gain(upscaler: "Upscaler", photograph: Image.Image, factor: int) -> float:
    """Return by how many dB an upscaled photograph is closer to the original than with Lanczos."""
    width, height = (side // factor * factor for side in photograph.size)
    original = photograph.crop((0, 0, width, height))
    shrunk = original.resize((width // factor, height // factor), Image.Resampling.BICUBIC)
    lanczos = shrunk.resize(original.size, Image.Resampling.LANCZOS)
    enlarged = upscaler.upscale(shrunk, factor).numpy()
    return 10 * float(np.log10(_error(original, np.asarray(lanczos)) / _error(original, enlarged)))


def _error(original: Image.Image, pixels: np.ndarray) -> float:
    """Return the mean squared error."""
    return float(np.mean((np.asarray(original, np.float32) - pixels) ** 2))

"""What a checkpoint takes of a device's memory, from headers only. Imports no torch."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from generation.loading.model_file import ModelFile, Part

# Bytes that drawing adds for each pixel in half precision: a row of a forward pass, attention
# without its matrix, and the decode of a picture, which takes the most. Half of what was measured
# in fp32 on a CPU at 512² px, with the widths of the published models.
ROW = {"sd1": 360, "sd2": 360, "sdxl": 390, "sd3": 450, "flux": 770, "z_image": 810}
DECODE = 3000
DECODED = 1024**2  # pixels at once; larger pictures are decoded in tiles
LEAST = 2 * 2**30  # bytes beside the weights, as the model cache leaves free


class Mode(StrEnum):
    """How a checkpoint runs on a device."""

    WHOLE = "whole"  # everything on it
    OFFLOADED = "offloaded"  # text encoders and VAE only while they run
    TOO_LARGE = "too large"


@dataclass(frozen=True, slots=True)
class Footprint:
    """Bytes of a device's memory: all weights, the largest model's, and what drawing adds."""

    weights: int
    largest: int
    working: int

    @property
    def whole(self) -> int:
        """What it takes with everything on the device."""
        return self.weights + self.working

    @property
    def offloaded(self) -> int:
        """What it takes with one model at a time on the device."""
        return self.largest + self.working

    def mode(self, free: int, *, offloads: bool) -> Mode:
        """Return how it runs with so many bytes free, where models can be kept off the device."""
        if self.whole <= free:
            return Mode.WHOLE
        return Mode.OFFLOADED if offloads and self.offloaded <= free else Mode.TOO_LARGE


def memory_needed(
    file: ModelFile, beside: Iterable[ModelFile] = (), *, half: bool = True, side: int = 1024
) -> Footprint:
    """Return what a guided picture of ``side``² px takes with a checkpoint.

    ``beside`` are the files with parts that it lacks. With ``half`` weights and activations are in
    fp16 or bf16, as on a GPU; else in fp32.
    """
    bytes_each = 2 if half else 4
    parts: dict[str, int] = {}
    for one in (file, *beside):
        parts |= {part: count for part, count in one.parts.items() if part != Part.EMA}
    weights = [bytes_each * count for count in parts.values()]
    pixels = side**2
    drawing = max(2 * ROW.get(file.family or "", 0) * pixels, DECODE * min(pixels, DECODED))
    working = max(LEAST, drawing * bytes_each // 2)
    return Footprint(sum(weights), max(weights, default=0), working)

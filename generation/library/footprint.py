"""What a checkpoint takes of a device's memory, from headers only. Imports no torch."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from generation.architectures import ARCHITECTURES
from generation.loading.model_file import ModelFile, Part
from generation.loading.single_file import family_of_name

# Bytes that a forward pass adds for each pixel of a row in half precision, attention without its
# matrix. Measured at 512² px on the CPU in fp32, of which they are half: `peak_bytes` around the
# denoiser with the widths of the published models.
WORKING = {"sd1": 0, "sd2": 0, "sdxl": 0, "sd3": 0, "flux": 0, "z_image": 0}
DECODING = 3000  # bytes for each pixel, as above, of a VAE; larger pictures are decoded in tiles
DECODED = 1024**2  # pixels at once
LEAST = 2 * 2**30  # bytes beside the weights: libraries' own, previews, and what fragments


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
    file: ModelFile, beside: Iterable[ModelFile] = (), *, half: bool = True
) -> Footprint:
    """Return what two rows of a family's own size take with a checkpoint.

    ``beside`` are the files with parts that it lacks. With ``half`` weights and activations are in
    fp16 or bf16, as on a GPU; else in fp32.
    """
    size = 2 if half else 4
    parts: dict[str, int] = {}
    for one in (file, *beside):
        parts |= {part: count for part, count in one.parts.items() if part != Part.EMA}
    weights = [size * count for count in parts.values()]
    return Footprint(sum(weights), max(weights, default=0), size * working_values(file.family))


def working_values(family: str | None) -> int:
    """Return how many values drawing adds at a family's own size: two rows, or a decode."""
    found = (one for one in ARCHITECTURES.values() if family_of_name(one.name) == family)
    architecture = next(found, None)
    if architecture is None or family not in WORKING:
        return LEAST // 2
    pixels = architecture.size**2
    rows = 2 if architecture.classifier_free else 1
    drawing = max(rows * WORKING[family] * pixels, DECODING * min(pixels, DECODED)) // 2
    return max(drawing, LEAST // 2)

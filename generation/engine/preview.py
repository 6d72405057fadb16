"""Small previews of unfinished pictures, without the VAE."""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from PIL import Image
from torch.nn.functional import adaptive_avg_pool2d

COLUMNS = 2
SHORT_SIDE = 128  # pixels of each picture in the grid
EMPTY = (49, 51, 56)  # the empty cell beside a third picture; Discord's dark grey
QUALITY = 70
LEAST_SIGNAL = 2.0**-12  # as diffusers bounds it: a picture cannot be told from noise alone


@dataclass(frozen=True, slots=True)
class PreviewColours:
    """The linear map from a latent cell's scaled values to RGB in -1…1."""

    matrix: tuple[tuple[float, float, float], ...]
    bias: tuple[float, float, float] = (0.0, 0.0, 0.0)


# Fitted for Stable Diffusion 1.4 by keturn, valid for all of 1.x:
# https://discuss.huggingface.co/t/decoding-latents-to-rgb-without-upscaling/23204/2
SD1_COLOURS = PreviewColours(
    (
        (0.298, 0.207, 0.208),
        (0.187, 0.286, 0.173),
        (-0.158, 0.189, 0.264),
        (-0.184, -0.271, -0.473),
    )
)


def predict_clean(
    model_input: torch.Tensor, model_output: torch.Tensor, noise_level: float, prediction_type: str
) -> torch.Tensor:
    """Return the picture x0 predicted from the noise; all shapes alike.

    ``model_input`` is α·x0 + s·ε with α² + s² = 1, and ``noise_level`` is σ = s/α, infinite where
    there is no signal: at zero terminal SNR. One function serves every scheduler, because each
    scales its samples to this before the UNet. With "flow" it is (1 - σ)·x0 + σ·ε instead. Sources:
    Ho et al. 2020 (ε), Salimans & Ho 2022, appendix D (v), Liu et al. 2022 (flow: v = ε - x0).
    """
    alpha = 1 / math.hypot(1, noise_level)
    noise = math.sqrt(1 - alpha**2)
    match prediction_type:
        case "epsilon":
            return (model_input - noise * model_output) / max(alpha, LEAST_SIGNAL)
        case "v_prediction":
            return alpha * model_input - noise * model_output
        case "flow":
            return model_input - noise_level * model_output
        case _:
            raise ValueError(f"unknown prediction type {prediction_type}")


def as_small(latents: Sequence[torch.Tensor]) -> torch.Tensor:
    """Return latents [1, channels, h, w] as [n, channels, h, w], all as small as the smallest."""
    least = min((one.shape[-2], one.shape[-1]) for one in latents)
    return torch.cat(
        [one if one.shape[-2:] == least else adaptive_avg_pool2d(one, least) for one in latents]
    )


def draw_preview(clean: torch.Tensor, colours: PreviewColours) -> bytes:
    """Arrange predicted latents [n, 4, h, w] in two columns, enlarged: a WebP file."""
    matrix = torch.tensor(colours.matrix)
    cells = clean.float().cpu().movedim(1, -1) @ matrix + torch.tensor(colours.bias)
    rgb = ((cells.clamp(-1, 1) + 1) * 127.5).round().byte().numpy()
    count, height, width, _ = rgb.shape
    scale = SHORT_SIDE / min(height, width)
    tile = (round(width * scale), round(height * scale))
    columns = min(COLUMNS, count)
    canvas = Image.new("RGB", (columns * tile[0], math.ceil(count / columns) * tile[1]), EMPTY)
    for index, picture in enumerate(rgb):
        enlarged = Image.fromarray(picture).resize(tile, Image.Resampling.BICUBIC)
        canvas.paste(enlarged, (index % columns * tile[0], index // columns * tile[1]))
    file = io.BytesIO()
    canvas.save(file, "WEBP", quality=QUALITY, method=2)
    return file.getvalue()

"""Networks that double a picture: waifu2x's upconv_7, or Lanczos if its weights are missing.

Both take [n, 3, height + 2 · MARGIN, width + 2 · MARGIN], RGB from 0 to 1, and return [n, 3, 2 ·
height, 2 · width]: the margin is the context around the picture.
"""

import torch
from torch import nn
from torch.nn import functional

MARGIN = 7  # px: one for each convolution of 3 × 3, and one for the transposed one


class Upconv7(nn.Module):
    """Six convolutions, and one transposed convolution that doubles.

    Layers and their widths: https://github.com/nagadomi/waifu2x, models/upconv_7.
    """

    WIDTHS = (3, 16, 32, 64, 128, 128, 256)

    def __init__(self) -> None:
        super().__init__()
        self.looking = nn.ModuleList(
            nn.Conv2d(before, after, 3)
            for before, after in zip(self.WIDTHS, self.WIDTHS[1:], strict=False)
        )
        self.doubling = nn.ConvTranspose2d(self.WIDTHS[-1], 3, 4, stride=2, padding=3)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Double a picture that has its margin."""
        for layer in self.looking:
            pixels = functional.leaky_relu(layer(pixels), 0.1)
        return self.doubling(pixels)


class Lanczos(nn.Module):
    """Lanczos' window of three lobes, one channel at a time; it has no trained weights.

    The kernel: https://en.wikipedia.org/wiki/Lanczos_resampling.
    """

    kernel: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        # Each new pixel is a quarter of a pixel beside an old one and reads six to a side.
        distance = torch.arange(-2.75, 3, 0.5)
        line = torch.sinc(distance) * torch.sinc(distance / 3)
        for phase in (0, 1):  # left and right of the old pixel
            line[phase::2] /= line[phase::2].sum()
        self.register_buffer("kernel", torch.outer(line, line).expand(3, 1, -1, -1).clone())

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Double a picture that has its margin."""
        cut = 2 * MARGIN + (self.kernel.shape[-1] - 2) // 2
        return functional.conv_transpose2d(pixels, self.kernel, stride=2, padding=cut, groups=3)

"""Pictures as arrays and as tensors."""

import numpy as np
import torch


def to_tensor(pictures: np.ndarray) -> torch.Tensor:
    """Map uint8 [n, height, width, 3] to float [n, 3, height, width] in -1…1."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1

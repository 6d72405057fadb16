"""The device to compute on, and the type to compute in."""

import os
from typing import TYPE_CHECKING

import torch

from generation.errors import NoSuchDevice

if TYPE_CHECKING:
    from generation.loading.model_loader import Files


def pick_device(kind: str | None = None) -> torch.device:
    """Return CUDA if available, then MPS, then the CPU; or the one of this type.

    Raises NoSuchDevice: drawing on another in its place would look like a slow card.
    """
    if kind == "cpu":
        return torch.device("cpu")
    best = _best()
    if kind not in (None, best.type):
        visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
        card = f" with CUDA_VISIBLE_DEVICES={visible}" if kind == "cuda" and visible else ""
        raise NoSuchDevice(f"torch {torch.__version__} finds no {kind} device{card}")
    return best


def _best() -> torch.device:
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def describe(device: torch.device) -> str:
    """Return the device's name."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return str(device)


def pick_dtype(device: torch.device, files: "Files", half: torch.dtype) -> torch.dtype:
    """Return the type to compute in: on CUDA the family's ``half``, elsewhere fp32.

    Weights that are stored in bf16 are computed in it: fp16 lacks its range. On MPS some fp16 VAEs
    yield black pictures, and on the CPU fp32 is the fastest.
    """
    if device.type != "cuda":
        return torch.float32
    wants = half is torch.bfloat16 or files.is_bfloat16
    return torch.bfloat16 if wants and torch.cuda.is_bf16_supported() else torch.float16

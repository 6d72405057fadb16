"""Telling a full device from a broken one."""

import torch


def is_out_of_memory(error: Exception) -> bool:
    """Whether a device's allocator gave up; each backend says so in its own way."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    words = ("out of memory", "can't allocate memory", "not enough memory")  # MPS, Linux, Windows
    return any(part in str(error) for part in words)

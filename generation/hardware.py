"""What would draw here: ``python -m generation.hardware`` prints it as JSON.

A program of its own, because finding out takes torch, and whoever asks has none.
"""

import json
import subprocess
import sys
from dataclasses import asdict, dataclass

import psutil


@dataclass(frozen=True, slots=True)
class Hardware:
    """The device that would be picked, and its memory in GiB: all of it, and what is free."""

    device: str
    memory_gib: float
    free_gib: float


def examine() -> Hardware:
    """Ask in a process of its own; raises CalledProcessError where torch does not load."""
    asked = subprocess.run(
        [sys.executable, "-m", "generation.hardware"],
        check=True,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
    )
    return Hardware(**json.loads(asked.stdout))


def _examine() -> Hardware:
    import torch

    from generation.engine.pipeline import describe, pick_device

    device = pick_device()
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
    else:
        memory = psutil.virtual_memory()
        free, total = memory.available, memory.total
    return Hardware(describe(device), round(total / 2**30, 1), round(free / 2**30, 1))


if __name__ == "__main__":
    print(json.dumps(asdict(_examine())))

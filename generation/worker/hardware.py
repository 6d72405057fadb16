"""The available device: ``python -m generation.worker.hardware`` prints it as JSON.

A separate program, because detecting it takes torch, which the caller does not import.
"""

import contextlib
import json
import subprocess
import sys
from dataclasses import asdict, dataclass

import psutil


@dataclass(frozen=True, slots=True)
class Hardware:
    """The device that would be used, and its memory in GiB, total and free."""

    device: str
    memory_gib: float
    free_gib: float

    @property
    def is_gpu(self) -> bool:
        """Whether it computes in half precision, and keeps models off the device in turn."""
        return self.device.startswith("cuda")


def limit_memory(most: int) -> None:
    """Limit this process's memory to so many bytes, where the system supports that."""
    if sys.platform == "win32":
        return
    import resource

    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def examine() -> Hardware:
    """Detect it in a separate process; raises CalledProcessError if torch does not load."""
    asked = subprocess.run(
        [sys.executable, "-m", "generation.worker.hardware"],
        check=True,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
    )
    return Hardware(**json.loads(asked.stdout))


def _examine() -> Hardware:
    import torch

    from generation.engine.device import describe, pick_device

    device = pick_device()
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
    else:
        memory = psutil.virtual_memory()
        free, total = memory.available, memory.total
    return Hardware(describe(device), round(total / 2**30, 1), round(free / 2**30, 1))


if __name__ == "__main__":
    print(json.dumps(asdict(_examine())))

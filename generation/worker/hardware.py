"""The available devices: ``python -m generation.worker.hardware`` prints them as JSON.

A separate program, because detecting them takes torch, which the caller does not import.
"""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import psutil

from generation.worker.devices import ORDER, Device

PROGRAM = [sys.executable, "-m", "generation.worker.hardware"]
TIMEOUT_S = 300.0  # on a machine that is busy with everything else


@dataclass(frozen=True, slots=True)
class Hardware:
    """A device under the name of its lane, and its memory in GiB, total and free.

    ``device`` is what it is called in full.
    """

    name: str
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


def examine() -> list[Hardware]:
    """Detect all devices, the processor last; takes seconds.

    CUDA devices are in the order of `devices.cards`. Raises SubprocessError if torch does not load.
    """
    asked = subprocess.run(
        PROGRAM,
        check=True,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=TIMEOUT_S,
        env=_environment(),
    )
    return [Hardware(**one) for one in json.loads(asked.stdout)]


async def examine_meanwhile() -> list[Hardware]:
    """Detect them as `examine` does, without keeping the event loop; may be cancelled."""
    process = await asyncio.create_subprocess_exec(
        *PROGRAM, stdout=asyncio.subprocess.PIPE, env=_environment()
    )
    try:
        printed, _ = await asyncio.wait_for(process.communicate(), TIMEOUT_S)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode or 0, PROGRAM)
    return [Hardware(**one) for one in json.loads(printed)]


def _environment() -> dict[str, str]:
    return {ORDER: "PCI_BUS_ID", **os.environ}


def drawing(
    found: Sequence[Hardware], devices: Sequence[Device] | None
) -> dict[str, Hardware | None]:
    """Return what lies behind each lane of `devices.parse`; None for what is not there.

    Workers on the processor share its memory.
    """
    if devices is None:
        gpus = [one for one in found if one.name != "cpu"]
        return {one.name: one for one in gpus or found}
    there = {one.name: one for one in found}
    lanes = {one.name: there.get("cpu" if one.kind == "cpu" else one.name) for one in devices}
    beside = sum(one.kind == "cpu" for one in devices)
    for one in devices:
        if one.kind == "cpu" and (cpu := lanes[one.name]) is not None:
            memory, free = round(cpu.memory_gib / beside, 1), round(cpu.free_gib / beside, 1)
            lanes[one.name] = replace(cpu, memory_gib=memory, free_gib=free)
    return lanes


def _examine() -> list[Hardware]:
    import torch

    from generation.engine.device import describe, pick_device

    best = pick_device()
    found = []
    if best.type == "cuda":
        for index in range(torch.cuda.device_count()):
            card = torch.device("cuda", index)
            free, total = torch.cuda.mem_get_info(card)
            found.append(_hardware(str(card), describe(card), total, free))
    memory = psutil.virtual_memory()
    others = ("mps", "cpu") if best.type == "mps" else ("cpu",)
    return [*found, *(_hardware(one, one, memory.total, memory.available) for one in others)]


def _hardware(name: str, device: str, total: int, free: int) -> Hardware:
    return Hardware(name, device, round(total / 2**30, 1), round(free / 2**30, 1))


if __name__ == "__main__":
    print(json.dumps([asdict(one) for one in _examine()]))

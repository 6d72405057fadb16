"""Which devices of this machine draw, a worker on each. Imports no torch.

A worker sees its own card only: CUDA is told so by the environment, before torch is imported.
"""

import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

AUTO, NONE = "auto", "none"
MOST_LANES = 64
# Cards are counted as nvidia-smi counts them; CUDA's own order begins with the fastest.
ORDER, VISIBLE = "CUDA_DEVICE_ORDER", "CUDA_VISIBLE_DEVICES"
THREADS = "OMP_NUM_THREADS"

_WORD = re.compile(r"(?:(cuda)(?::(\d{1,3}))?|(\d{1,3})|(mps)|(cpu)(?:\*(\d{1,3}))?)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Device:
    """A device, and what the environment of its worker must say.

    ``kind`` is torch's name for its type, or None to take the best there is.
    """

    name: str
    kind: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


ANY = Device("local")  # the only one


def parse(written: str, environment: Mapping[str, str] = os.environ) -> list[Device] | None:
    """Return the devices of a list such as ``0,1``, ``cuda:0``, ``mps``, ``cpu`` or ``cpu*2``.

    None for ``auto``, which is all cards or the one other device; an empty list for ``none``,
    where other machines draw. Raises ValueError, saying in one line what the list must be.
    """
    if written.strip().lower() in (AUTO, NONE):
        return None if written.strip().lower() == AUTO else []
    gpus: list[int] = []
    cpus = mps = 0
    for word in written.lower().split(","):
        found = _WORD.fullmatch(word.strip())
        if found is None:
            shown = word.strip()[:20].encode("unicode_escape").decode()
            raise ValueError(
                f'must be auto, or devices such as 0,1, cuda:0, mps, cpu or cpu*2, not "{shown}"'
            )
        _, after, number, is_mps, is_cpu, times = found.groups()
        if is_cpu:
            cpus += int(times or 1)
        elif is_mps:
            mps += 1
        else:
            gpus.append(int(after or number or 0))
    twice = [f"cuda:{card}" for card in sorted(set(gpus)) if gpus.count(card) > 1]
    if mps > 1 or twice:
        raise ValueError(f"must name every device once, not {', '.join(twice or ['mps'])} again")
    if not 1 <= cpus + mps + len(gpus) <= MOST_LANES:
        raise ValueError(f"must be at least one device and at most {MOST_LANES}")
    return [
        *_cards(gpus, environment),
        *([Device("mps", "mps")] if mps else []),
        *_cpus(cpus, environment),
    ]


def cards(count: int, environment: Mapping[str, str] = os.environ) -> list[Device]:
    """Return the first ``count`` CUDA devices, of those that the environment lets us see."""
    return _cards(range(count), environment)


def may_have_cards() -> bool:
    """Whether it is worth asking torch for CUDA or ROCm devices, which takes seconds."""
    if sys.platform == "linux":
        devices = Path("/dev")
        names = ("kfd", "dxg", "nvhost-gpu")  # ROCm, WSL, Jetson
        return any((devices / name).exists() for name in names) or any(devices.glob("nvidia[0-9]*"))
    return sys.platform == "win32"


def _cards(indices: Sequence[int], environment: Mapping[str, str]) -> list[Device]:
    visible = environment.get(VISIBLE)
    shown = None if visible is None else [one.strip() for one in visible.split(",") if one.strip()]
    found = []
    for index in indices:
        if shown is not None and index >= len(shown):
            raise ValueError(f'must be among {VISIBLE}, which is "{visible}": no cuda:{index}')
        card = str(index) if shown is None else shown[index]
        order = environment.get(ORDER, "PCI_BUS_ID")
        found.append(Device(f"cuda:{index}", "cuda", {ORDER: order, VISIBLE: card}))
    return found


def _cpus(count: int, environment: Mapping[str, str]) -> list[Device]:
    """Divide the processor's cores among so many workers; what OMP_NUM_THREADS says stands."""
    if count < 2:
        return [Device("cpu", "cpu")] * count
    threads = environment.get(THREADS) or str(max(1, cores() // count))
    return [Device(f"cpu:{number}", "cpu", {THREADS: threads}) for number in range(count)]


def cores() -> int:
    """Return how many cores this process may use; of two threads of a core, one counts."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(allowed or 1, psutil.cpu_count(logical=False) or allowed or 1)

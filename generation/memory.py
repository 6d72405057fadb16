"""What a device's memory holds, and telling a full device from a broken one."""

from pathlib import Path

import torch

MEMINFO = Path("/proc/meminfo")
CGROUP = Path("/sys/fs/cgroup")


def is_out_of_memory(error: Exception) -> bool:
    """Whether a device's allocator gave up; each backend says so in its own way."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    words = ("out of memory", "can't allocate memory", "not enough memory")  # MPS, Linux, Windows
    return any(part in str(error) for part in words)


def free_bytes(device: torch.device) -> int:
    """Return how much more the device can hold; 0 where the system does not tell."""
    if device.type == "cuda":
        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + kept
    return min(_available(MEMINFO), _left_in_group(CGROUP))


def _available(meminfo: Path) -> int:
    """Read what Linux would give without swapping, in bytes."""
    try:
        lines = meminfo.read_text("ascii").splitlines()
    except OSError:
        return 0
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    return int(fields.get("MemAvailable", "0").split()[0]) * 1024


def _left_in_group(group: Path) -> int:
    """Read what a container's own limit leaves, in bytes; without one, more than there is."""
    try:
        limit, used = (
            (group / name).read_text("ascii").strip() for name in ("memory.max", "memory.current")
        )
    except OSError:
        return 2**63
    return 2**63 if limit == "max" else max(0, int(limit) - int(used))

"""Device memory, and recognizing out-of-memory errors."""

import gc
from collections.abc import Callable
from pathlib import Path

import psutil
import torch

CGROUP = Path("/sys/fs/cgroup")
SELF = Path("/proc/self")
RESET_PEAK = "5"  # proc(5): written to clear_refs, it resets the peak to what is resident now


FULL = (
    "out of memory",  # CUDA, HIP, MPS
    "can't allocate memory",  # Linux
    "not enough memory",  # Windows
    "_STATUS_ALLOC_FAILED",  # cuBLAS, cuDNN, cuSOLVER
    "CUBLAS_STATUS_NOT_INITIALIZED",  # its handle has no room
    "unable to find an engine",  # none of cuDNN's has room for its workspace
    "CUDNN_STATUS_NOT_SUPPORTED",  # the batch is too large for cuDNN's kernels: halve it, too
)
"""What the libraries of a full device say. Sources: reports to pytorch/pytorch (108645) and
tensorflow/tensorflow (9489), and ``should_reduce_batch_size`` of accelerate."""


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error says that the device is full; each allocator and library has its own."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return any(part in str(error) for part in FULL)


def total_bytes(device: torch.device) -> int:
    """Return how much memory the device has."""
    if device.type == "cuda":
        return torch.cuda.get_device_properties(device).total_memory
    return psutil.virtual_memory().total


def used_and_total(device: torch.device) -> tuple[int, int]:
    """Return how much of the device's memory is in use, by whomever, and how much it has, in bytes.

    What may be taken back at any time, such as the CPU's cached files, is not in use.
    """
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        return total - free, total
    memory = psutil.virtual_memory()
    return memory.total - memory.available, memory.total


def free_bytes(device: torch.device) -> int:
    """Return how much more the device can hold; 0 if the system does not tell."""
    if device.type == "cuda":
        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + kept
    return min(psutil.virtual_memory().available, _left_in_group(CGROUP))


def room_beside(device: torch.device, own: int) -> int:
    """Return how many bytes the device could hold beside ``own`` of ours, if we held nothing else.

    On a GPU that depends on no other checkpoint that happens to be loaded.
    """
    if device.type == "cuda":
        ours = torch.cuda.memory_reserved(device)
        return max(0, torch.cuda.mem_get_info(device)[0] + ours - own)
    return free_bytes(device)


def release(device: torch.device) -> None:
    """Release the device's unused cached memory."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()


def peak_bytes(device: torch.device, work: Callable[[], object]) -> int:
    """Run ``work`` and return its additional peak memory; 0 if the system does not tell.

    On the CPU it is the growth of the process, so memory the allocator already had is not counted.
    """
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        work()
        return torch.cuda.max_memory_allocated(device) - before
    try:
        (SELF / "clear_refs").write_text(RESET_PEAK, "ascii")
        before = _resident_peak()
    except OSError:
        work()
        return 0
    work()
    return _resident_peak() - before


def _resident_peak() -> int:
    fields = dict(line.split(":", 1) for line in (SELF / "status").read_text("ascii").splitlines())
    return int(fields.get("VmHWM", "0").split()[0]) * 1024


def _left_in_group(group: Path) -> int:
    """Return what a container's own limit leaves, in bytes; without one, more than there is.

    Files that Linux merely caches count as free, as they are evicted on demand.
    """
    try:
        limit, used, kept = (
            (group / name).read_text("ascii").strip()
            for name in ("memory.max", "memory.current", "memory.stat")
        )
    except OSError:
        return 2**63
    if limit == "max":
        return 2**63
    files = dict(line.split() for line in kept.splitlines()).get("inactive_file", "0")
    return max(0, int(limit) - int(used) + int(files))

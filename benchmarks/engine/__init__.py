"""The engine against sequential requests, its own overhead, and a simulated queue.

Every figure is a ratio within one run. On the CPU it uses the small checkpoint of
`small_checkpoint` and the embedded one; the overhead at Stable Diffusion 1.5's size is measured at
256 px. With CUDA everything is at that size, in fp16 at 512 px, eager and compiled.
"""

from benchmarks import Figures
from benchmarks.engine.labels import LABELS
from generation.worker.worker import calm_threads

__all__ = ["LABELS", "run"]


def run() -> Figures:
    """Measure in this process, on CUDA if available."""
    calm_threads()
    import torch

    from benchmarks.engine import cpu, cuda

    if torch.cuda.is_available():
        return cuda.run(torch.device("cuda"))
    return cpu.run()

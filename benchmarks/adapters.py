"""LoRAs of one's own for each of eight rows, against a forward without any and against peft.

A UNet of half Stable Diffusion 1.5's width (220 million parameters) at 256 px, random weights and
LoRAs of all linear layers of its transformers, of ranks 16 and 64. Every percentage is of the plain
forward in the same round; the figure is the median of the rounds.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks import Figures
from generation.worker.worker import calm_threads

ROWS = 8
SIDE = 32  # cells of the latents
RANKS = (16, 64)
ROUNDS = 5
PARAMETERS = 220e6
WIDTH = 768  # of the text

_SHOWN = {
    "one_set": "One LoRA for all rows, over the plain forward (%)",
    "four_sets": "Four LoRAs (%)",
    "eight_sets": "Eight LoRAs (%)",
    "one_row": "A LoRA for one row only (%)",
    "peft_adapter_names": "Four LoRAs by peft's adapter_names (%)",
}
LABELS = {
    f"{name}{suffix}_pct": f"{label[:-4]}, rank {rank} (%)"
    for rank, suffix in zip(RANKS, ("", "_rank64"), strict=True)
    for name, label in _SHOWN.items()
} | {
    "swap_ms": "Another of eight LoRAs, rank 16 (ms)",
    "swap_pct": "The same, of a forward (%)",
    "swap_rank64_pct": "Another of eight LoRAs, rank 64, of a forward (%)",
    "pool_mb": "Eight LoRAs of rank 16 (MB)",
    "pool_rank64_mb": "Eight LoRAs of rank 64 (MB)",
}


def run() -> Figures:
    """Measure in this process, on CUDA if available."""
    calm_threads()
    import torch

    with torch.inference_mode():
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        bench = _Bench(device)
        figures: Figures = {}
        for rank, suffix in zip(RANKS, ("", "_rank64"), strict=True):
            figures |= {
                name.replace("_pct", f"{suffix}_pct").replace("_mb", f"{suffix}_mb"): value
                for name, value in bench.measure(rank).items()
            }
    figures.pop("swap_ms_rank64", None)
    return figures


class _Bench:
    def __init__(self, device: Any) -> None:  # noqa: ANN401
        import torch
        from diffusers import UNet2DConditionModel

        torch.manual_seed(0)
        self.device = device
        dtype = torch.float16 if device.type == "cuda" else torch.float32
        with device:
            unet = UNet2DConditionModel(
                sample_size=SIDE,
                block_out_channels=(160, 320, 640, 640),
                layers_per_block=2,
                cross_attention_dim=WIDTH,
                attention_head_dim=8,
            )
            self.latents = torch.randn(ROWS, 4, SIDE, SIDE, dtype=dtype)
            self.steps = torch.linspace(1, 999, ROWS)
            self.words = torch.randn(ROWS, 77, WIDTH, dtype=dtype)
        self.unet = unet.to(dtype).eval()
        count = sum(weight.numel() for weight in unet.parameters())
        assert abs(count - PARAMETERS) < 10e6, count

    def measure(self, rank: int) -> Figures:
        """Return the figures of one rank."""
        from generation.conditions.adapter_keys import Part
        from generation.conditions.row_adapters import NO_ADAPTERS, AdapterSet, RowAdapters

        adapters = RowAdapters(self.unet)
        loaded = [self.lora(rank) for _ in range(ROWS + 1)]
        sets = [AdapterSet(Part.DENOISER, ((one, 0.8),)) for one in loaded]

        def forward(rows: Sequence[AdapterSet]) -> Callable[[], None]:
            def timed() -> None:
                with adapters.applied(rows):
                    self.predict()

            return timed

        work = {
            "one_set_pct": forward([sets[0]] * ROWS),
            "four_sets_pct": forward(sets[:4] * 2),
            "eight_sets_pct": forward(sets[:ROWS]),
            "one_row_pct": forward([sets[0], *[NO_ADAPTERS] * (ROWS - 1)]),
        }
        percent: dict[str, list[float]] = {name: [] for name in work}
        swaps, ticks = [], []
        for _ in range(ROUNDS):
            for name, timed in work.items():
                # The first forward after a change stacks the adapters; that is measured apart.
                with adapters.applied(_rows_of(timed)):
                    pass
                plain = self.seconds(forward([NO_ADAPTERS] * ROWS))
                percent[name].append(100 * (self.seconds(timed) / plain - 1))
                ticks.append(plain)
            with adapters.applied(sets[:ROWS]):
                pass
            swaps.append(self.seconds(lambda: adapters.prepare([*sets[:3], *sets[4:]])))
        adapters.forget()
        figures: Figures = {
            name: round(statistics.median(values), 2) for name, values in percent.items()
        }
        figures["peft_adapter_names_pct"] = self.peft(rank)
        figures["swap_ms"] = round(1000 * statistics.median(swaps), 2)
        figures["swap_pct"] = round(100 * statistics.median(swaps) / statistics.median(ticks), 2)
        figures["pool_mb"] = round(sum(one.bytes for one in loaded[:ROWS]) / 1e6, 1)
        return figures

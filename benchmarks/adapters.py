"""LoRAs of one's own for each of eight rows, against a forward without any and against peft.

A UNet of half Stable Diffusion 1.5's width (220 million parameters) at 256 px, random weights and
LoRAs of all linear layers of its transformers, of ranks 16 and 64. Every percentage is of the plain
forward in the same round; the figure is the median of the rounds.
"""

import re
import statistics
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from benchmarks import Figures
from generation.worker.worker import calm_threads

if TYPE_CHECKING:
    from generation.conditions.adapter_file import LoadedAdapter

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
    "swap_rank64_ms": "Another of eight LoRAs, rank 64 (ms)",
    "swap_pct": "Another of eight LoRAs, rank 16, of a forward (%)",
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
                re.sub(r"_(pct|ms|mb)$", rf"{suffix}_\1", name): value
                for name, value in bench.measure(rank).items()
            }
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

        plain = [NO_ADAPTERS] * ROWS
        companies = {
            "one_set_pct": [sets[0]] * ROWS,
            "four_sets_pct": sets[:4] * 2,
            "eight_sets_pct": sets[:ROWS],
            "one_row_pct": [sets[0], *plain[1:]],
        }

        def seconds(rows: Sequence[AdapterSet]) -> float:
            # Stacking is measured apart: it is done when a row comes or goes.
            adapters.prepare(rows)
            with adapters.applied(rows):
                return self.seconds(self.predict)

        percent: dict[str, list[float]] = {name: [] for name in companies}
        swaps, ticks = [], []
        for _ in range(ROUNDS):
            for name, rows in companies.items():
                ticks.append(seconds(plain))
                percent[name].append(100 * (seconds(rows) / ticks[-1] - 1))
            adapters.prepare(sets[:ROWS])
            swaps.append(self.seconds(lambda: adapters.prepare([*sets[:3], *sets[4:]])))
        adapters.forget()
        swap, tick = statistics.median(swaps), statistics.median(ticks)
        return {
            **{name: round(statistics.median(values), 2) for name, values in percent.items()},
            "peft_adapter_names_pct": self.peft(rank),
            "swap_ms": round(1000 * swap, 2),
            "swap_pct": round(100 * swap / tick, 2),
            "pool_mb": round(sum(one.bytes for one in loaded[:ROWS]) / 1e6, 1),
        }

    def predict(self) -> None:
        """Run the UNet once."""
        self.unet(self.latents, self.steps, encoder_hidden_states=self.words, return_dict=False)

    def seconds(self, work: Callable[[], None]) -> float:
        """Return how long it takes."""
        import torch

        begun = time.perf_counter()
        work()
        if self.device.type != "cpu":
            torch.accelerator.synchronize(self.device)
        return time.perf_counter() - begun

    def layers(self) -> list[str]:
        """Return the linear layers of the transformers."""
        import torch

        return [
            name
            for name, layer in self.unet.named_modules()
            if isinstance(layer, torch.nn.Linear) and ".transformer_blocks." in name
        ]

    def lora(self, rank: int) -> "LoadedAdapter":
        """Return a random LoRA of these layers."""
        import torch

        from generation.conditions.adapter_file import LoadedAdapter
        from generation.conditions.adapter_keys import Part
        from generation.conditions.deltas import Change, LowRank

        changes = {}
        for name in self.layers():
            weight = self.unet.get_submodule(name).weight
            down, up = weight.new_empty(rank, weight.shape[1]), weight.new_empty(len(weight), rank)
            changes[name] = Change(LowRank(torch.randn_like(down) / 50, torch.randn_like(up) / 50))
        return LoadedAdapter({Part.DENOISER: changes}, ())

    def peft(self, rank: int) -> float | None:
        """Return what four of peft's LoRAs cost in the same layers; None without peft."""
        try:
            from peft import LoraConfig, get_peft_model
        except ImportError:
            return None
        names = [f"lora{number}" for number in range(4)]
        config = LoraConfig(r=rank, lora_alpha=rank, target_modules=self.layers())
        model = get_peft_model(self.unet, config, names[0])
        for name in names[1:]:
            model.add_adapter(name, config)
        model.eval()

        def predict(rows: list[str]) -> None:
            model(
                self.latents,
                self.steps,
                encoder_hidden_states=self.words,
                return_dict=False,
                adapter_names=rows,
            )

        percent = []
        for _ in range(ROUNDS):
            with model.disable_adapter():
                plain = self.seconds(self.predict)
            percent.append(100 * (self.seconds(lambda: predict(names * 2)) / plain - 1))
        self.unet = model.unload()
        return round(statistics.median(percent), 2)

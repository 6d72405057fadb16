"""LoRAs of one's own for each of eight rows, against a forward without any and against peft.

A UNet of half Stable Diffusion 1.5's width (220 million parameters) at 256 px, random weights and
LoRAs of all linear layers of its transformers, of ranks 16 and 64.

Every forward with LoRAs is measured between two plain ones and is a percentage over their mean, so
that a machine that grows slower or faster changes nothing; the figure is the median of the rounds.
``noise_pct`` is the median difference of those two plain forwards: what is less is not seen. On a
CPU that others use too, ``…_cpu_pct`` are the same of the time that processors spent on it, in
which waiting for them does not count.
"""

import re
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks import Figures
from generation.worker.worker import calm_threads

if TYPE_CHECKING:
    from generation.conditions.adapters.adapter_file import LoadedAdapter

ROWS = 8
SIDE = 32  # cells of the latents
RANKS = (16, 64)
ROUNDS = 7
PARAMETERS = 220e6
WIDTH = 768  # of the text

_SHOWN = {
    "one_set": "One LoRA for all rows, over the plain forward (%)",
    "four_sets": "Four LoRAs (%)",
    "eight_sets": "Eight LoRAs (%)",
    "one_row": "A LoRA for one row only (%)",
    "peft_adapter_names": "Four LoRAs by peft's adapter_names (%)",
}
_ALSO = {
    **{f"{name}_pct": label for name, label in _SHOWN.items()},
    **{
        f"{name}_cpu_pct": label.replace(" (%)", ", processors' time (%)")
        for name, label in _SHOWN.items()
        if not name.startswith("peft")
    },
    "noise_pct": "Two plain forwards, one from the other (%)",
    "swap_ms": "One of eight LoRAs replaced (ms)",
    "swap_pct": "One of eight LoRAs replaced, of a forward (%)",
    "shift_ms": "One of eight rows gone and another behind the rest (ms)",
    "pool_mb": "Eight LoRAs (MB)",
}
_ENDING = re.compile(r"((?:_cpu)?_(?:pct|ms|mb))$")


def _of_rank(name: str, rank: int) -> str:
    return name if rank == RANKS[0] else _ENDING.sub(rf"_rank{rank}\1", name)


LABELS = {
    _of_rank(name, rank): f"{label.rpartition(' (')[0]}, rank {rank} ({label.rpartition(' (')[2]}"
    for rank in RANKS
    for name, label in _ALSO.items()
}


def run() -> Figures:
    """Measure in this process, on CUDA if available."""
    calm_threads()
    import torch

    with torch.inference_mode():
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        bench = _Bench(device)
        figures: Figures = {}
        for rank in RANKS:
            found = bench.measure(rank)
            figures |= {_of_rank(name, rank): value for name, value in found.items()}
    return figures


class Spent(NamedTuple):
    """Seconds by the clock, and of processors; or percentages of both."""

    wall: float
    cpu: float

    def over(self, *others: "Spent") -> "Spent":
        """Return the percentages by which it is more than the mean of others."""
        wall, cpu = map(statistics.fmean, zip(*others, strict=True))
        return Spent(100 * (self.wall / wall - 1), 100 * (self.cpu / cpu - 1))


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
        from generation.conditions.adapters.adapter_keys import Part
        from generation.conditions.adapters.row_adapters import NO_ADAPTERS, AdapterSet, RowAdapters

        adapters = RowAdapters(self.unet)
        loaded = [self.lora(rank) for _ in range(ROWS + 1)]
        sets = [AdapterSet(Part.DENOISER, ((one, 0.8),)) for one in loaded]

        plain = [NO_ADAPTERS] * ROWS
        companies = {
            "one_set": [sets[0]] * ROWS,
            "four_sets": sets[:4] * 2,
            "eight_sets": sets[:ROWS],
            "one_row": [sets[0], *plain[1:]],
        }

        def forward(rows: Sequence[AdapterSet]) -> Spent:
            # Stacking is measured apart: it is done when a row comes or goes.
            adapters.prepare(rows)
            with adapters.applied(rows):
                return self.spent(self.predict)

        self.predict()  # the first is slower
        over: dict[str, list[Spent]] = {name: [] for name in companies}
        ticks: list[Spent] = []
        noise: list[float] = []
        swaps: list[float] = []
        shifts: list[float] = []
        for _ in range(ROUNDS):
            before = forward(plain)
            for name, rows in companies.items():
                with_any, after = forward(rows), forward(plain)
                over[name].append(with_any.over(before, after))
                noise.append(100 * abs(after.wall / before.wall - 1))
                ticks.append(after)
                before = after
            for rows, times in (
                ([*sets[:3], sets[ROWS], *sets[4:ROWS]], swaps),
                ([*sets[:3], *sets[4:]], shifts),
            ):
                adapters.prepare(sets[:ROWS])
                times.append(self.spent(partial(adapters.prepare, rows)).wall)
        adapters.forget()
        swap, tick = statistics.median(swaps), statistics.median(one.wall for one in ticks)
        figures: Figures = {}
        for name, found in over.items():
            figures[f"{name}_pct"] = round(statistics.median(one.wall for one in found), 2)
            if self.device.type == "cpu":
                cpu = statistics.median(one.cpu for one in found)
                figures[f"{name}_cpu_pct"] = round(cpu, 2)
        return {
            **figures,
            "noise_pct": round(statistics.median(noise), 2),
            "peft_adapter_names_pct": self.peft(rank),
            "swap_ms": round(1000 * swap, 2),
            "swap_pct": round(100 * swap / tick, 2),
            "shift_ms": round(1000 * statistics.median(shifts), 2),
            "pool_mb": round(sum(one.bytes for one in loaded[:ROWS]) / 1e6, 1),
        }

    def predict(self) -> None:
        """Run the UNet once."""
        self.unet(self.latents, self.steps, encoder_hidden_states=self.words, return_dict=False)

    def spent(self, work: Callable[[], None]) -> "Spent":
        """Return how long it takes."""
        import torch

        begun, used = time.perf_counter(), time.process_time()
        work()
        if self.device.type != "cpu":
            torch.accelerator.synchronize(self.device)
        return Spent(time.perf_counter() - begun, time.process_time() - used)

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

        from generation.conditions.adapters.adapter_file import LoadedAdapter
        from generation.conditions.adapters.adapter_keys import Part
        from generation.conditions.adapters.deltas import Change, LowRank

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
                before = self.spent(self.predict)
            taken = self.spent(partial(predict, names * 2))
            with model.disable_adapter():
                after = self.spent(self.predict)
            percent.append(taken.over(before, after).wall)
        self.unet = model.unload()
        return round(statistics.median(percent), 2)

"""Adapters of every kind with random factors, and the weights that they make, by hand.

The formulas are written out here once more, as the papers and LyCORIS have them, and share no code
with the product's.
"""

from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

RANK, ALPHA = 4, 2.0
Factors = dict[str, Tensor]
# Of a layer's weight [outputs, inputs, *kernel]: the factors by ending, and the changed weight.
Make = Callable[[Tensor, torch.Generator], tuple[Factors, Tensor]]

SIZE = 0.3  # of a change, against the weight's own


def draw(rng: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(shape, generator=rng)


def scaled(base: Tensor, delta: Tensor, factors: Factors, last: str) -> tuple[Factors, Tensor]:
    """Make the change as large as it is to be by scaling the factor ``last``."""
    scale = SIZE * base.std() / delta.std()
    return {**factors, last: factors[last] * scale}, base + delta * scale


def lora(base: Tensor, rng: torch.Generator) -> tuple[Factors, Tensor]:
    outputs, inputs, *kernel = base.shape
    down, up = draw(rng, RANK, inputs, *kernel), draw(rng, outputs, RANK, *[1] * len(kernel))
    delta = torch.einsum("or,r...->o...", up.flatten(1), down) * ALPHA / RANK
    factors = {"lora_down.weight": down, "lora_up.weight": up, "alpha": torch.tensor(ALPHA)}
    return scaled(base, delta, factors, "lora_up.weight")


def lora_without_alpha(base: Tensor, rng: torch.Generator) -> tuple[Factors, Tensor]:
    outputs, inputs, *kernel = base.shape
    down, up = draw(rng, RANK, inputs, *kernel), draw(rng, outputs, RANK, *[1] * len(kernel))
    delta = torch.einsum("or,r...->o...", up.flatten(1), down)
    return scaled(base, delta, {"lora_A.weight": down, "lora_B.weight": up}, "lora_B.weight")


def tucker(base: Tensor, rng: torch.Generator) -> tuple[Factors, Tensor]:
    """LoCon with a core."""
    outputs, inputs, *kernel = base.shape
    down, up = draw(rng, RANK, inputs, 1, 1), draw(rng, outputs, RANK, 1, 1)
    mid = draw(rng, RANK, RANK, *kernel)
    delta = torch.einsum("opxy,pqhw,qixy->oihw", up, mid, down) * ALPHA / RANK
    factors = {"lora_down.weight": down, "lora_up.weight": up, "lora_mid.weight": mid}
    return scaled(base, delta, {**factors, "alpha": torch.tensor(ALPHA)}, "lora_up.weight")


def loha(base: Tensor, rng: torch.Generator, rank: int = RANK) -> tuple[Factors, Tensor]:
    outputs, inputs = base.shape[0], base[0].numel()
    factors = {"alpha": torch.tensor(ALPHA)}
    for one in (1, 2):
        factors[f"hada_w{one}_a"] = draw(rng, outputs, rank)
        factors[f"hada_w{one}_b"] = draw(rng, rank, inputs)
    first, second = (factors[f"hada_w{one}_a"] @ factors[f"hada_w{one}_b"] for one in (1, 2))
    delta = (first * second).reshape(base.shape) * ALPHA / rank
    return scaled(base, delta, factors, "hada_w2_b")


def wide_loha(base: Tensor, rng: torch.Generator) -> tuple[Factors, Tensor]:
    """Of a rank whose square is more than is stacked."""
    return loha(base, rng, rank=12)


def loha_tucker(base: Tensor, rng: torch.Generator) -> tuple[Factors, Tensor]:
    outputs, inputs, *kernel = base.shape
    factors, halves = {"alpha": torch.tensor(ALPHA)}, []
    for one in (1, 2):
        core = draw(rng, RANK, RANK, *kernel)
        left, right = draw(rng, RANK, outputs), draw(rng, RANK, inputs)
        factors |= {f"hada_t{one}": core, f"hada_w{one}_a": left, f"hada_w{one}_b": right}
        halves.append(torch.einsum("ijkl,jr,ip->prkl", core, right, left))
    return scaled(base, halves[0] * halves[1] * ALPHA / RANK, factors, "hada_w2_b")


def lokr(base: Tensor, rng: torch.Generator) -> tuple[Factors, Tensor]:
    """With both factors decomposed."""
    outputs, inputs, *kernel = base.shape
    cells = base[0, 0].numel()
    factors = {
        "lokr_w1_a": draw(rng, 4, RANK),
        "lokr_w1_b": draw(rng, RANK, 4),
        "lokr_w2_a": draw(rng, outputs // 4, RANK),
        "lokr_w2_b": draw(rng, RANK, inputs // 4 * cells),
        "alpha": torch.tensor(ALPHA),
    }
    left = factors["lokr_w1_a"] @ factors["lokr_w1_b"]
    right = (factors["lokr_w2_a"] @ factors["lokr_w2_b"]).reshape(outputs // 4, -1, *kernel)
    delta = kron(left, right) * ALPHA / RANK
    return scaled(base, delta, factors, "lokr_w2_b")


def lokr_whole(base: Tensor, rng: torch.Generator) -> tuple[Factors, Tensor]:
    """With whole factors, where alpha does not count."""
    outputs, inputs, *kernel = base.shape
    left, right = draw(rng, 2, 4), draw(rng, outputs // 2, inputs // 4, *kernel)
    factors = {"lokr_w1": left, "lokr_w2": right, "alpha": torch.tensor(ALPHA)}
    return scaled(base, kron(left, right), factors, "lokr_w2")


def lokr_tucker(base: Tensor, rng: torch.Generator) -> tuple[Factors, Tensor]:
    outputs, inputs, *kernel = base.shape
    left, core = draw(rng, 4, 4), draw(rng, RANK, RANK, *kernel)
    a, b = draw(rng, RANK, outputs // 4), draw(rng, RANK, inputs // 4)
    right = torch.einsum("ijkl,jr,ip->prkl", core, b, a)
    factors = {"lokr_w1": left, "lokr_t2": core, "lokr_w2_a": a, "lokr_w2_b": b}
    delta = kron(left, right) * ALPHA / RANK
    return scaled(base, delta, {**factors, "alpha": torch.tensor(ALPHA)}, "lokr_w2_b")


def kron(left: Tensor, right: Tensor) -> Tensor:
    return torch.kron(left.reshape(*left.shape, *[1] * (right.ndim - 2)), right.contiguous())


def with_dora(make: Make, *, of_inputs: bool = False) -> Make:
    """Give each output, or input, of the changed weight a length of its own."""

    def made(base: Tensor, rng: torch.Generator) -> tuple[Factors, Tensor]:
        factors, changed = make(base, rng)
        axis = 1 if of_inputs else 0
        others = [one for one in range(base.ndim) if one != axis]
        norms = torch.linalg.vector_norm(changed, dim=others, keepdim=True)
        lengths = norms * (0.8 + 0.4 * torch.rand(norms.shape, generator=rng))
        return {**factors, "dora_scale": lengths}, changed / norms * lengths

    return made


LINEAR = {
    "LoRA": lora,
    "LoRA without alpha": lora_without_alpha,
    "LoHa": loha,
    "wide LoHa": wide_loha,
    "LoKr": lokr,
    "whole LoKr": lokr_whole,
    "DoRA": with_dora(lora),
    "DoRA of inputs": with_dora(lora, of_inputs=True),
    "DoRA of LoKr": with_dora(lokr),
    "DoRA of a wide LoHa's inputs": with_dora(wide_loha, of_inputs=True),
}
CONVOLUTION = {
    **LINEAR,
    "LoCon with a core": tucker,
    "LoHa with cores": loha_tucker,
    "LoKr with a core": lokr_tucker,
}

Names = dict[str, Callable[[str], str]]  # of a part's layers, as a program writes them


def write_adapter(
    file: Path,
    models: dict[str, nn.Module],
    chosen: Callable[[str, nn.Module], bool],
    make: Make,
    names: Callable[[str, str], str],
    *,
    seed: int = 0,
    weight: float = 1.0,
    dtype: torch.dtype = torch.float32,
    metadata: dict[str, str] | None = None,
) -> int:
    """Write an adapter for the chosen layers, and merge it into the models.

    ``names`` returns a layer's name in the file from its model's and its own. Return how many
    layers are changed.
    """
    rng = torch.Generator().manual_seed(seed)
    tensors, count = {}, 0
    for part, model in models.items():
        for name, layer in model.named_modules():
            if not isinstance(layer, nn.Linear | nn.Conv2d) or not chosen(name, layer):
                continue
            base = layer.weight.detach()
            factors, changed = make(base, rng)
            tensors |= {
                f"{names(part, name)}.{ending}": value.to(dtype).contiguous()
                for ending, value in factors.items()
            }
            with torch.no_grad():
                layer.weight.copy_(base + weight * (changed - base))
            count += 1
    save_file(tensors, file, metadata)
    return count


def kohya(part: str, name: str) -> str:
    prefix = {
        "denoiser": "lora_unet",
        "text_encoder": "lora_te",
        "text_encoder_2": "lora_te2",
    }[part]
    return f"{prefix}_{name.replace('.', '_')}"


def kohya_xl(part: str, name: str) -> str:
    return kohya(part, name).replace("lora_te_", "lora_te1_", 1)


def peft(part: str, name: str) -> str:
    return f"{'unet' if part == 'denoiser' else part}.{name}"

"""Muon, the optimizer of every matrix: its steps are as large in rare directions as in others.

Telling one concept from a thousand others depends on rare directions, for which AdamW takes long.
Sources: Keller Jordan 2024 (https://kellerjordan.github.io/posts/muon/) for the method and the
polynomial; Liu et al. 2025, "Muon is scalable for LLM training", for the scale of a step, which
lets it share AdamW's learning rate and weight decay.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch

MOMENTUM = 0.95
SCALE = 0.2  # root mean square of AdamW's usual step, in learning rates
POLYNOMIAL = (3.4445, -4.7750, 2.0315)
ITERATIONS = 5


class Muon(torch.optim.Optimizer):
    """Updates parameters of two or more dimensions; a convolution counts as a matrix of its rows.

    ``each`` calls a function with each of some items, possibly in several threads.
    """

    def __init__(
        self,
        params: Iterable[torch.nn.Parameter],
        each: Callable[[Callable[[Any], None], list[Any]], None],
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(params, {"lr": 0.0, "weight_decay": weight_decay})
        self._each = each

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Update every parameter that has a gradient."""
        if closure is not None:
            raise ValueError("Muon takes no closure")
        for group in self.param_groups:
            alike: dict[torch.Size, list[torch.Tensor]] = {}
            for parameter in group["params"]:
                if parameter.grad is not None:
                    alike.setdefault(parameter.shape, []).append(parameter)
                    if not self.state[parameter]:
                        self.state[parameter]["momentum"] = torch.zeros_like(parameter)

            @torch.no_grad()  # needed in each thread
            def move(some: list[torch.Tensor], group: dict[str, Any] = group) -> None:
                momenta = [self.state[parameter]["momentum"] for parameter in some]
                gradients = torch.stack([one.grad for one in some if one.grad is not None])
                momentum = torch.stack(momenta).lerp_(gradients, 1 - MOMENTUM)
                ahead = gradients.lerp(momentum, MOMENTUM)  # Nesterov momentum
                steps = orthogonalize(ahead.flatten(2)).view_as(momentum)
                length = group["lr"] * SCALE * max(ahead[0].flatten(1).shape) ** 0.5
                torch._foreach_copy_(momenta, momentum.unbind())
                torch._foreach_mul_(some, 1 - group["lr"] * group["weight_decay"])
                torch._foreach_add_(some, steps.unbind(), alpha=-length)

            self._each(move, list(alike.values()))


def orthogonalize(matrices: torch.Tensor) -> torch.Tensor:
    """Return approximately the nearest matrices whose singular values are all 1 (Newton-Schulz).

    They are [n, rows, columns], and calculated together.
    """
    a, b, c = POLYNOMIAL
    tall = matrices.shape[1] > matrices.shape[2]
    x = (matrices.mT if tall else matrices).bfloat16().contiguous()
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(ITERATIONS):
        square = x @ x.mT
        square = torch.baddbmm(square, square, square, beta=b, alpha=c)
        x = torch.baddbmm(x, square, x, beta=a)
    return (x.mT if tall else x).to(matrices.dtype)

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
            moved = [(p, p.grad) for p in group["params"] if p.grad is not None]
            for parameter, _ in moved:
                if not self.state[parameter]:
                    self.state[parameter]["momentum"] = torch.zeros_like(parameter)

            @torch.no_grad()  # needed in each thread
            def move(
                one: tuple[torch.nn.Parameter, torch.Tensor], group: dict[str, Any] = group
            ) -> None:
                parameter, gradient = one
                momentum = self.state[parameter]["momentum"]
                momentum.lerp_(gradient, 1 - MOMENTUM)
                ahead = gradient.lerp(momentum, MOMENTUM)  # Nesterov momentum
                matrix = orthogonalize(ahead.flatten(1))
                length = group["lr"] * SCALE * max(matrix.shape) ** 0.5
                parameter.mul_(1 - group["lr"] * group["weight_decay"])
                parameter.add_(matrix.view_as(parameter), alpha=-length)

            self._each(move, moved)


def orthogonalize(matrix: torch.Tensor) -> torch.Tensor:
    """Return approximately the nearest matrix whose singular values are all 1 (Newton-Schulz)."""
    a, b, c = POLYNOMIAL
    tall = matrix.shape[0] > matrix.shape[1]
    x = (matrix.T if tall else matrix).bfloat16().contiguous()
    x = x / (x.norm() + 1e-7)
    for _ in range(ITERATIONS):
        square = x @ x.T
        square = torch.addmm(square, square, square, beta=b, alpha=c)
        x = torch.addmm(x, square, x, beta=a)
    return (x.T if tall else x).to(matrix.dtype)

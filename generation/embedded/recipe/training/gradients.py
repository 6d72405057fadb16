"""Computes a batch's gradients in several threads, each with one core and a part of the batch."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch

MeanLoss = Callable[..., torch.Tensor]


class Parts:
    """Splits batches between threads.

    Kernels that run on all cores wait for the slowest one thousands of times per step, which is
    costly if other programs are running; parts of a batch wait once.
    """

    def __init__(self, device: str) -> None:
        self._count = torch.get_num_threads() if device == "cpu" else 1
        self._threads = ThreadPoolExecutor(self._count)
        if device == "cpu":
            torch.set_num_threads(1)

    def backward(self, mean_loss: MeanLoss, *batch: torch.Tensor) -> float:
        """Add the gradients of ``mean_loss(*batch)``, rows in the first dimension; return it."""
        rows = len(batch[0])
        parts = zip(*(tensor.chunk(self._count) for tensor in batch), strict=True)

        def one(part: tuple[torch.Tensor, ...]) -> float:
            loss = mean_loss(*part) * (len(part[0]) / rows)
            loss.backward()
            return loss.item()

        return sum(self._threads.map(one, parts))

    def each(self, function: Callable[[Any], None], things: list[Any]) -> None:
        """Call a function with each of the items, in all threads."""
        list(self._threads.map(function, things))

    def close(self) -> None:
        """End the threads, and let kernels use all cores again."""
        self._threads.shutdown()
        torch.set_num_threads(self._count)

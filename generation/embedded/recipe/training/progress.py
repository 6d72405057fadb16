"""A training stage's state on disk, and its learning rate."""

import logging
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

log = logging.getLogger(__name__)

WARM_UP = 50  # steps
LOWEST = 0.01  # final rate, as a share of the highest


class Progress:
    """One stage: its state and progress; a stop loses at most ``every`` steps."""

    every = 100

    def __init__(self, path: Path, parts: dict[str, Any]) -> None:
        self.path, self.parts, self.step = path, parts, 0
        if path.exists():
            state = torch.load(path, weights_only=True)
            self.step = state.pop("step")
            for name, part in parts.items():
                part.load_state_dict(state[name])

    def save(self) -> None:
        """Write to a temporary file first, so that an interrupted write loses nothing."""
        state = {name: part.state_dict() for name, part in self.parts.items()}
        part_file = self.path.with_suffix(".part")
        torch.save({"step": self.step, **state}, part_file)
        part_file.rename(self.path)

    def run(self, steps: int, name: str) -> Iterator[int]:
        """Yield the remaining steps, saving the state and logging the time.

        Randomness is seeded by the step's number, so that a resumed run is the same as an
        uninterrupted one.
        """
        begun = time.monotonic()
        first = self.step
        while self.step < steps:
            torch.manual_seed(self.step)
            yield self.step
            self.step += 1
            if self.step % self.every == 0 or self.step == steps:
                self.save()
                pace = (time.monotonic() - begun) / (self.step - first)
                log.info("%s %d/%d, %.2f s a step", name, self.step, steps, pace)


def set_rate(optimizer: torch.optim.Optimizer, highest: float, step: int, steps: int) -> None:
    """Set the learning rate of a step: a short warm-up, then a cosine to nearly zero.

    It depends only on the step, so ``steps`` may change between two runs of a stage. A group of
    parameters may have a ``factor``, by which its rate is higher.
    """
    falling = (1 + math.cos(math.pi * step / steps)) / 2
    for group in optimizer.param_groups:
        rate = highest * min(1, (step + 1) / WARM_UP) * (LOWEST + (1 - LOWEST) * falling)
        group["lr"] = rate * group.get("factor", 1.0)

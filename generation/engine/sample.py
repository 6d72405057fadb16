"""One picture being denoised."""

from dataclasses import replace

import torch

from generation.conditions.adapters.row_adapters import NO_ADAPTERS, AdapterSet
from generation.conditions.inpainting import Start
from generation.conditions.steering import PLAIN, Steering
from generation.engine.batcher import Bucket
from generation.engine.trajectory import Trajectory
from generation.families.pipeline import Conditioning, Prompts, Row, Schedule
from generation.request import GenerationRequest


class Sample:
    """A picture's latents [1, channels, h, w], its own trajectory and generator.

    ``seed`` is the request's seed plus the picture's index. Noise like ``empty`` is drawn on the
    CPU, so that a seed gives the same picture on every device. Without guidance there is no
    negative prompt, and a forward pass takes one row instead of two. ``key`` is the request's and
    ``bucket`` says with whom it can share a forward pass. ``start`` is what it begins with besides
    noise; with the request's ``strength`` only the last steps are taken. All its rows have these
    ``adapters``, and its request's ``steering`` steers them.
    """

    def __init__(
        self,
        key: int,
        bucket: Bucket,
        request: GenerationRequest,
        index: int,
        prompts: Prompts,
        trajectory: Trajectory,
        start: Start,
        adapters: AdapterSet = NO_ADAPTERS,
        steering: Steering = PLAIN,
    ) -> None:
        self.key, self.bucket, self.index = key, bucket, index
        self.request = request
        self.seed = request.seed + index
        self.generator = torch.Generator("cpu").manual_seed(self.seed)
        self.trajectory = trajectory
        self._prompts = prompts
        self._adapters = adapters
        self._steering = steering
        begun = start.begin(trajectory, self.generator)
        self.latents = begun.latents
        self._kept, self._beside = begun.kept, begun.beside

    @property
    def guided(self) -> bool:
        """Whether it has a negative prompt."""
        return self._prompts.negative is not None

    @property
    def rows(self) -> int:
        """How many rows of a forward pass it takes."""
        return 2 if self.guided else 1

    @property
    def step(self) -> int:
        """How many steps are done."""
        return self.trajectory.step

    @property
    def steps(self) -> int:
        """How many steps there are."""
        return self.trajectory.steps

    @property
    def done(self) -> bool:
        """Whether all steps are done and only decoding is left."""
        return self.step == self.steps

    def next_rows(self) -> tuple[Row, Row | None]:
        """Return the row of its prompt, and that of its negative prompt if it is guided."""
        latents = self.trajectory.model_input(self.latents)
        if self._beside is not None:
            latents = torch.cat([latents, self._beside], dim=1)
        prompts, now = self._prompts, (self.index, self.step, self.steps)
        towards = Row(
            latents,
            self.trajectory.timestep,
            self._now(prompts.positive),
            self._adapters,
            self._steering.towards(*now),
            self.request.tiling,
        )
        if prompts.negative is None:
            return towards, None
        away, steering = self._now(prompts.negative), self._steering.away(*now)
        return towards, replace(towards, conditioning=away, steering=steering)

    def _now(self, schedule: Schedule) -> Conditioning:
        """Return what holds at this step."""
        return next(one for start, one in reversed(schedule) if start <= self.step)

    def advance(self, model_output: torch.Tensor) -> None:
        """Take one step with the guided model output [1, channels, h, w] for its rows."""
        self.latents = self.trajectory.advance(model_output, self.latents, self.generator)
        if self._kept is not None:
            self.latents = self._kept.put_back(self.latents, self.trajectory)

    def clean(self) -> torch.Tensor:
        """Return the predicted noise-free latents of the last step, with what stays of a source."""
        clean = self.trajectory.clean()
        return clean if self._kept is None else self._kept.over(clean)

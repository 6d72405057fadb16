"""A picture's way from noise: diffusers' noise scheduler, with what differs between them hidden."""

import inspect
from typing import Any

import torch
from diffusers.schedulers.scheduling_utils import SchedulerMixin

from generation.engine.preview import predict_clean
from generation.engine.samplers import begin_plainly, needs_exactness, noise_level
from generation.request import GenerationRequest


class Trajectory:
    """The steps of one picture; the scheduler is its own, with its timesteps already set.

    Latents are [1, channels, h, w]. A request's strength takes only the last steps. Timesteps and
    noise levels are on the CPU, where the schedulers' lookups do not wait for the device. Flow
    matching schedulers take the latents as they are, at noise level σ: (1 - σ)·x0 + σ·ε.
    """

    def __init__(
        self, scheduler: SchedulerMixin, request: GenerationRequest, prediction_type: str
    ) -> None:
        self.scheduler = scheduler
        self._prediction_type = prediction_type
        self.step = 0
        skipped = request.num_inference_steps - request.steps_taken
        self._begin = skipped * scheduler.order
        self._exact = needs_exactness(scheduler)
        self._begins_plainly = self._exact and self._begin == 0 and begin_plainly(scheduler)
        self._timesteps = scheduler.timesteps[self._begin :]
        self.steps = len(self._timesteps)
        taken = inspect.signature(scheduler.step).parameters
        self._takes_generator = "generator" in taken
        # As diffusers' pipelines call it: without noise of its own.
        self._options = {"eta": 0.0} if "eta" in taken else {}

    @property
    def timestep(self) -> torch.Tensor:
        """The current timestep, a scalar on the CPU; integer or not, as the scheduler has it."""
        return self._timesteps[self.step]

    def start(
        self, noise: torch.Tensor, source: torch.Tensor | None, *, blends: bool = False
    ) -> torch.Tensor:
        """Return the latents of the first step, of noise alone or added to the source's.

        With ``blends``, `noised` is called after each step.
        """
        if (source is not None or blends) and hasattr(self.scheduler, "set_begin_index"):
            self.scheduler.set_begin_index(self._begin)
        if source is None:
            return noise * getattr(self.scheduler, "init_noise_sigma", 1.0)
        return self.noised(source, noise)

    def noised(self, source: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """Return source latents at the noise level of the next step; as they are after the last."""
        if self.step == self.steps:
            return source
        next_one = self._timesteps[self.step : self.step + 1]
        if hasattr(self.scheduler, "scale_noise"):
            return self.scheduler.scale_noise(source, next_one, noise)
        return self.scheduler.add_noise(source, noise, next_one)

    def model_input(self, latents: torch.Tensor) -> torch.Tensor:
        """Return the latents as the model expects them.

        Except with flow matching that is signal plus noise with variance one.
        """
        if hasattr(self.scheduler, "scale_model_input"):
            latents = self.scheduler.scale_model_input(latents, self.timestep)
        self._input = latents
        return latents

    def advance(
        self, output: torch.Tensor, latents: torch.Tensor, generator: torch.Generator
    ) -> torch.Tensor:
        """Return the next latents, given the guided model output for ``model_input``."""
        self._output = output
        options: dict[str, Any] = dict(self._options)
        if self._takes_generator:
            options["generator"] = generator
        dtype = latents.dtype
        if self._exact:
            output, latents = output.float(), latents.float()
        latents = self.scheduler.step(output, self.timestep, latents, **options, return_dict=False)
        if self.step == 0 and self._begins_plainly:
            self.scheduler.dt = None  # so that the next step begins another interval
        self.step += 1
        return latents[0].to(dtype)

    def clean(self) -> torch.Tensor:
        """Return the predicted noise-free latents of the last step."""
        sigma = noise_level(self.scheduler, self._begin + self.step - 1)
        return predict_clean(self._input, self._output, sigma, self._prediction_type)

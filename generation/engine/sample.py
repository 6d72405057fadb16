"""One picture being denoised."""

import inspect
from collections.abc import Mapping
from typing import Any

import torch

from generation.engine.batcher import Bucket
from generation.engine.pipeline import DrawLatents, Prompts
from generation.engine.preview import predict_clean
from generation.engine.samplers import build_scheduler, noise_level
from generation.request import GenerationRequest


class Sample:
    """A picture's latents [1, channels, h, w], its own scheduler, generator and step index.

    ``seed`` is the request's seed plus the picture's index. Noise is drawn on the CPU, so that a
    seed gives the same picture on every device. Without guidance there is no negative prompt, and a
    forward pass takes one row instead of two. ``key`` is the request's and ``bucket`` says with
    whom it can share a forward pass. With the request's ``strength``, ``draw_latents`` returns the
    source picture's latents, and only the last steps are taken.
    """

    def __init__(
        self,
        key: int,
        bucket: Bucket,
        request: GenerationRequest,
        index: int,
        prompts: Prompts,
        scheduler_config: Mapping[str, Any],
        shape: tuple[int, int, int],
        draw_latents: DrawLatents | None = None,
    ) -> None:
        self.key, self.bucket, self.index = key, bucket, index
        self.seed = request.seed + index
        self.guidance_scale = request.guidance_scale
        self.embedding, self.negative = prompts.embedding, prompts.negative
        self.generator = torch.Generator("cpu").manual_seed(self.seed)
        self.scheduler = build_scheduler(request.sampler, scheduler_config)
        # On the CPU, the schedulers' lookups do not wait for the device.
        self.scheduler.set_timesteps(request.num_inference_steps, device="cpu")
        self.step = 0
        skipped = request.num_inference_steps - request.steps_taken
        self._begin = skipped * self.scheduler.order
        self._timesteps = self.scheduler.timesteps[self._begin :]
        self.steps = len(self._timesteps)
        # The generator is used in the same order as in StableDiffusionImg2ImgPipeline.
        start = None if draw_latents is None else draw_latents(self.generator)
        noise = torch.randn((1, *shape), generator=self.generator, dtype=self.embedding.dtype)
        noise = noise.to(self.embedding.device)
        if start is None:
            self.latents = noise * self.scheduler.init_noise_sigma
        else:
            if hasattr(self.scheduler, "set_begin_index"):
                self.scheduler.set_begin_index(self._begin)
            self.latents = self.scheduler.add_noise(start, noise, self._timesteps[:1])
        accepted = inspect.signature(self.scheduler.step).parameters
        self._options = {"generator": self.generator} if "generator" in accepted else {}

    @property
    def rows(self) -> int:
        """How many rows of a forward pass it takes."""
        return 1 if self.negative is None else 2

    @property
    def done(self) -> bool:
        """Whether all steps are done and only decoding is left."""
        return self.step == self.steps

    @property
    def timestep(self) -> torch.Tensor:
        """The current timestep, a scalar on the CPU; integer or not, as the scheduler has it."""
        return self._timesteps[self.step]

    def model_input(self) -> torch.Tensor:
        """Return the latents as the UNet expects them: signal plus noise with variance one."""
        self._input = self.scheduler.scale_model_input(self.latents, self.timestep)
        return self._input

    def advance(self, model_output: torch.Tensor) -> None:
        """Take one step with the guided model output [1, channels, h, w] for ``model_input``."""
        self._output = model_output
        self.latents = self.scheduler.step(
            model_output, self.timestep, self.latents, **self._options, return_dict=False
        )[0]
        self.step += 1

    def clean(self, prediction_type: str) -> torch.Tensor:
        """Return the predicted noise-free latents of the last step."""
        sigma = noise_level(self.scheduler, self._begin + self.step - 1)
        return predict_clean(self._input, self._output, sigma, prediction_type)

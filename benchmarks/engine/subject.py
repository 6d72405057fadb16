"""A checkpoint in memory, used by the engine and by diffusers' own pipeline."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import torch
from diffusers import StableDiffusionPipeline

from generation.catalog import Catalog, Checkpoint
from generation.engine.engine import Engine
from generation.engine.samplers import build_scheduler
from generation.families.stable_diffusion import StableDiffusion
from generation.loading.model_loader import Parts
from generation.options import EngineOptions
from generation.request import GenerationRequest, Sampler


@dataclass(frozen=True, slots=True)
class LoadedCache:
    """Replaces `ModelCache` with a single pipeline that has no files."""

    pipeline: StableDiffusion

    def take(
        self, _name: str, _on_loading: Callable[[str, float], None], in_use: Collection[str] = ()
    ) -> StableDiffusion:
        """Return the pipeline, whatever else is in use."""
        del in_use
        return self.pipeline

    def is_loading(self, _name: str) -> bool:
        """Return False: it is loaded."""
        return False

    def stop_loading_all_but(self, _wanted: Collection[str]) -> None:
        """Do nothing: nothing is being loaded."""

    def drop_all_but(self, _kept: Collection[str]) -> bool:
        """Do nothing: there are no others."""
        return False


class Subject:
    """One checkpoint's weights for both sides of a comparison; ``size`` is the side in pixels.

    The models are the same objects on both sides.
    """

    def __init__(self, name: str, parts: Parts, size: int, device: torch.device) -> None:
        self.name, self.size, self.device = name, size, device
        self.scheduler_config = parts.scheduler_config
        self.pipeline = StableDiffusion(parts, device)
        self.pipe = StableDiffusionPipeline(
            **parts.components,
            scheduler=build_scheduler(Sampler.DDIM, parts.scheduler_config),
            safety_checker=None,
            feature_extractor=None,
            requires_safety_checker=False,
        )
        self.pipe.set_progress_bar_config(disable=True)

    def engine(self, options: EngineOptions) -> Engine:
        """Return a warmed-up engine for this checkpoint alone."""
        checkpoint = Checkpoint(name=self.name, source=Path(), size=self.size)
        catalog = Catalog({self.name: checkpoint}, self.name)
        with mock.patch(
            "generation.engine.engine.ModelCache", return_value=LoadedCache(self.pipeline)
        ):
            engine = Engine(catalog, self.device, options=options)
        if (error := engine.warm_up()) is not None:
            raise error
        return engine

    def request(
        self,
        prompt: str = "a red apple",
        *,
        sampler: Sampler = Sampler.DPMPP_2M_KARRAS,
        num_inference_steps: int = 20,
        guidance_scale: float = 7.5,
        seed: int = 1,
        num_images: int = 1,
    ) -> GenerationRequest:
        """Return a request at this checkpoint's size."""
        return GenerationRequest(
            prompt=prompt,
            checkpoint=self.name,
            width=self.size,
            height=self.size,
            num_inference_steps=num_inference_steps,
            guidance_scale=guidance_scale,
            sampler=sampler,
            seed=seed,
            num_images=num_images,
        )

    def shape(self, rows: int) -> tuple[int, int, int, int]:
        """Return the latents' shape in a forward pass of this many rows."""
        _, channels, height, width = self.pipeline.latents(self.size, self.size).shape
        return rows, channels, height, width

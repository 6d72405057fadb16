"""What the engine knows of a model family: its rows, its prompts, and a loaded checkpoint."""

import itertools
import logging
import math
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import torch
from accelerate import cpu_offload_with_hook
from accelerate.hooks import UserCpuOffloadHook
from PIL import Image
from transformers import CLIPTextModel, CLIPTextModelWithProjection

from generation.architectures import ARCHITECTURES, Architecture, Sampler
from generation.catalog.adapters import weights_of
from generation.conditions.adapters.adapter_keys import Part
from generation.conditions.adapters.row_adapters import (
    NO_ADAPTERS,
    Adapters,
    AdapterSet,
    RowAdapters,
)
from generation.conditions.embeddings import Embeddings
from generation.conditions.inpainting import Start, on_latents
from generation.conditions.steering import (
    NOT_STEERED,
    RowControls,
    RowReferences,
    RowSteering,
)
from generation.conditions.tiling import Tiling
from generation.editing.masks import Mask
from generation.engine.preview import PreviewColours
from generation.engine.samplers import build_scheduler
from generation.engine.trajectory import Trajectory
from generation.families.autoencoder import Autoencoder
from generation.options import Compile
from generation.phrases import Phrase
from generation.prompts.schedule import schedule
from generation.request import SIDE, GenerationRequest

if TYPE_CHECKING:
    from generation.loading.model_loader import Parts

log = logging.getLogger(__name__)

_numbers = itertools.count(1)

# What a row is drawn for: tensors by name, each with a first dimension of 1.
Conditioning = Mapping[str, torch.Tensor]
# The same as it changes: each with the forward pass from which on it holds, the first from 0.
Schedule = Sequence[tuple[int, Conditioning]]
Shapes = tuple[tuple[str, tuple[int, ...]], ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a forward pass.

    ``latents`` [1, channels, h, w] are as the model expects them; ``timestep`` is a scalar on the
    CPU, integer or not, as the scheduler has it. A ``tiled`` row wraps around at its edges.
    """

    latents: torch.Tensor
    timestep: torch.Tensor
    conditioning: Conditioning
    adapters: AdapterSet = NO_ADAPTERS
    steering: RowSteering = NOT_STEERED
    tiled: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether the model's own forward is all that it takes."""
        return not (self.adapters or self.steering or self.tiled)


@dataclass(frozen=True, slots=True)
class Prompts:
    """A request's conditioning; ``negative`` is None where guidance takes no second row.

    A family pads all of it to the same shapes, so that it can share a forward pass. ``cut`` are the
    words beyond the text encoder's limit, which are left out.
    """

    positive: Schedule
    negative: Schedule | None = None
    cut: str = ""

    @property
    def shapes(self) -> Shapes:
        """What requests must have in common to share a forward pass."""
        positive = _shapes(self.positive)
        negative = positive if self.negative is None else _shapes(self.negative)
        return positive if positive == negative else positive + negative


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts that a request's prompts are in turn, each with the first forward pass it is for.

    There are no negative ones where guidance takes no second row.
    """

    positive: Sequence[tuple[int, str]]
    negative: Sequence[tuple[int, str]] = ()

    @classmethod
    def of(cls, request: GenerationRequest, *, negative: bool) -> Self:
        """Return a request's texts, with those of its negative prompt or without."""
        away = _in_passes(request, request.negative_prompt, "negative_prompt") if negative else ()
        return cls(_in_passes(request, request.prompt, "prompt"), away)

    def __iter__(self) -> Iterator[str]:
        """Yield the prompt's texts, then the negative prompt's."""
        return (text for _, text in (*self.positive, *self.negative))

    def prompts(self, read: Sequence[Conditioning], cut: Iterable[str]) -> Prompts:
        """Return the conditioning that was ``read`` of each, and what was ``cut``."""
        starts = [start for start, _ in (*self.positive, *self.negative)]
        schedule = list(zip(starts, read, strict=True))
        count = len(self.positive)
        left = ", ".join(dict.fromkeys(filter(None, cut)))
        return Prompts(schedule[:count], schedule[count:] or None, left)


def _in_passes(request: GenerationRequest, prompt: str, field: str) -> list[tuple[int, str]]:
    """Return a prompt's texts by forward passes, of which some samplers take more than steps."""
    steps = request.steps_taken
    return [
        (math.ceil(step * request.forwards / steps), text)
        for step, text in schedule(prompt, steps, field)
    ]


def _shapes(one: Schedule) -> Shapes:
    return tuple((name, tuple(value.shape[1:])) for name, value in one[0][1].items())


class Pipeline(ABC):
    """A loaded checkpoint on one device, called without gradients; each family is a subclass.

    ``models`` are the classes of its components with weights, by folder, and ``tokenizers`` of
    those without; ``denoiser`` is the one that a forward pass runs. With ``offloads`` all others
    are on the device only while they run. ``half`` is the type to compute in on a GPU, and
    ``negatives_first`` the order of rows in diffusers' own pipeline, so that alone the same kernels
    add in the same order. ``latents_dtype`` is that of a picture's latents between steps. Where
    ``noise_at_full_strength``, a part that is drawn over begins with noise alone at strength 1, as
    in that pipeline.
    """

    models: ClassVar[Mapping[str, Any]]
    tokenizers: ClassVar[Mapping[str, Any]]
    denoiser: ClassVar[str]
    colours: ClassVar[PreviewColours]
    half: ClassVar[torch.dtype] = torch.float16
    negatives_first: ClassVar[bool] = True
    noise_at_full_strength: ClassVar[bool] = True

    def __init__(self, parts: "Parts", device: torch.device, *, offloads: bool = False) -> None:
        self.number = next(_numbers)  # no other's, even if a checkpoint is loaded anew
        self.device = device
        self.architecture = parts.architecture
        self.scheduler_config = dict(parts.scheduler_config)
        self.preview_colours = parts.preview_colours or self.colours
        self.source = parts.source
        self.checker = parts.checker
        loaded: dict[str, torch.nn.Module] = {
            name: parts.components[name].eval() for name in self.models if name in parts.components
        }
        self.channels = self.latent_channels(loaded)
        # What adapters change: of the text encoders, those that trainers change, too.
        self.adapted: dict[Part, torch.nn.Module] = {Part.DENOISER: loaded[self.denoiser]}
        self.adapted |= {
            Part(name): model
            for name, model in loaded.items()
            if isinstance(model, CLIPTextModel | CLIPTextModelWithProjection)
        }
        self.row_adapters = RowAdapters(self.adapted[Part.DENOISER])
        self.row_tiling = Tiling(self.adapted[Part.DENOISER])
        self.row_references = RowReferences(self.adapted[Part.DENOISER])
        self.row_controls = RowControls()
        self.embeddings = Embeddings(self.adapted, device, weights_of(self.architecture.name))
        self._offloaded: list[UserCpuOffloadHook] = []
        for name, model in loaded.items():
            if offloads and name != self.denoiser:
                self._offloaded.append(cpu_offload_with_hook(model, device)[1])
            else:
                model.to(device)
        # What stays on the device while others run.
        self.resident = sum(
            weight.nbytes
            for name, model in loaded.items()
            if not offloads or name == self.denoiser
            for weight in model.parameters()
        )
        self._autoencoder = Autoencoder(parts.components["vae"], device, self.resident)
        self.latents_dtype: torch.dtype = parts.components[self.denoiser].dtype
        self.parameters = sum(
            weight.numel() for model in loaded.values() for weight in model.parameters()
        )

    @classmethod
    @abstractmethod
    def latent_channels(cls, models: Mapping[str, Any]) -> int:
        """Return how many values a latent cell has.

        Raises ValueError, saying why, if this family cannot draw with the models.
        """

    @property
    def inpaints(self) -> bool:
        """Whether the denoiser also takes a mask, and the latents of what stays."""
        return False

    @property
    def scale_factor(self) -> int:
        """How many pixels a side of a latent cell has."""
        return self._autoencoder.scale_factor

    @abstractmethod
    def encode(self, request: GenerationRequest, adapters: Adapters = ()) -> Prompts:
        """Return the conditioning of a request's prompts, size and guidance.

        ``adapters`` are the request's; what they change in text encoders is part of it.
        """

    def run(self, rows: Sequence[Row], *, fixed: bool = False) -> Sequence[torch.Tensor]:
        """Predict with the rows' adapters and what steers them.

        With ``fixed`` there are always as many rows, and a row's output depends on no other row.
        """
        tiled = [row.tiled for row in rows]
        with (
            self.row_adapters.applied([row.adapters for row in rows], fixed=fixed),
            self.row_tiling.applied(tiled, fixed=fixed),
            self.row_references.applied([row.steering.references for row in rows], fixed=fixed),
            self.row_controls.applied(
                [row.steering.controls for row in rows], fixed=fixed, tiled=tiled
            ),
        ):
            return self.predict(rows)

    @abstractmethod
    def predict(self, rows: Sequence[Row]) -> Sequence[torch.Tensor]:
        """Run the denoiser once; return each row's output [1, channels, h, w]."""

    @torch.inference_mode()
    def start(
        self, request: GenerationRequest, picture: Image.Image | None, mask: Mask | None = None
    ) -> Start:
        """Return what a request's pictures begin with, given its source and what of it is drawn."""
        empty = self.latents(request.width, request.height)
        drawn, rest, cells = None, None, None
        # A denoiser for it draws over everything where there is no mask.
        if mask is None and self.inpaints:
            mask = np.ones((request.height, request.width), bool)
        full = mask is not None and request.strength == 1 and self.noise_at_full_strength
        encode = partial(self._autoencoder.encode, dtype=self.latents_dtype, tiled=request.tiling)
        if picture is not None and not (full and self.inpaints):
            drawn = encode(picture)
        if mask is not None:
            white = torch.from_numpy(mask)
            cells = on_latents(white, empty)
            if self.inpaints:
                behind = picture or Image.new("RGB", (request.width, request.height))
                rest = encode(behind, hidden=white)
        self._make_way()
        return Start(empty, drawn, cells, rest, from_noise=full)

    @torch.inference_mode()
    def decode(self, latents: torch.Tensor, *, tiled: bool = False) -> torch.Tensor:
        """Return the picture of latents [1, channels, h, w]: CPU uint8 [height, width, 3]."""
        picture = self._autoencoder.decode(latents, tiled=tiled)
        self._make_way()
        return picture

    def guide(
        self, towards: torch.Tensor, away: torch.Tensor, request: GenerationRequest
    ) -> torch.Tensor:
        """Return the output that guidance makes of both prompts' (Ho and Salimans, 2022).

        It is rescaled as in Lin et al. 2024, section 3.4.
        """
        guided = self._guided(towards, away, request.guidance_scale)
        share = request.guidance_rescale
        if not share:
            return guided
        inside = tuple(range(1, guided.dim()))
        deviations = (one.std(dim=inside, keepdim=True) for one in (towards, guided))
        rescaled = guided * (next(deviations) / next(deviations))
        return share * rescaled + (1 - share) * guided

    def _guided(self, towards: torch.Tensor, away: torch.Tensor, scale: float) -> torch.Tensor:
        """Return both outputs combined, rounded as in diffusers' own pipeline."""
        return away + scale * (towards - away)

    def trajectory(self, request: GenerationRequest) -> Trajectory:
        """Return a new picture's way from noise."""
        scheduler = build_scheduler(request.sampler, self.scheduler_config)
        scheduler.set_timesteps(request.num_inference_steps, device="cpu")
        return Trajectory(scheduler, request, self.prediction_type)

    @property
    def prediction_type(self) -> str:
        """What the denoiser predicts, one of its architecture's prediction types."""
        return self.scheduler_config["prediction_type"]

    def latents(self, width: int, height: int) -> torch.Tensor:
        """Return empty latents [1, channels, h, w] of a picture of this size in pixels."""
        shape = (1, self.channels, height // self.scale_factor, width // self.scale_factor)
        return torch.zeros(shape, dtype=self.latents_dtype, device=self.device)

    def empty_row(self, width: int, height: int) -> Row:
        """Return a row like those of pictures of this size in pixels, with a short prompt."""
        request = self._empty_request(self.architecture.sampler, width, height)
        conditioning = self.encode(request).positive[0][1]
        return Row(self.latents(width, height), torch.tensor(0.0), conditioning)

    def check_scheduler(self) -> None:
        """Raise ValueError, saying why, unless every sampler can follow its configuration.

        That is a file of strangers', which is read when a picture begins: then it is too late.
        """
        for sampler in self.architecture.samplers:
            request = self._empty_request(sampler, SIDE[1], SIDE[1])
            why = ""
            try:
                way = self.trajectory(request)
                if not math.isfinite(way.timestep):
                    why = str(way.timestep)
            except Exception as error:  # noqa: BLE001 - whatever diffusers makes of wrong values
                why = f"{type(error).__name__}: {error}"
            if why:
                raise ValueError(Phrase("checkpoint-scheduler", sampler=sampler, why=why))

    def _empty_request(self, sampler: Sampler, width: int, height: int) -> GenerationRequest:
        return GenerationRequest(
            prompt="empty",
            checkpoint="any",
            family=self.architecture.name,
            width=width,
            height=height,
            num_inference_steps=2,
            guidance_scale=1.0,
            sampler=sampler,
            seed=0,
        )

    @property
    def compiled(self) -> bool:
        """Whether its default size runs compiled."""
        return False

    def compile(self, mode: Compile, width: int, height: int) -> None:
        """Compile the denoiser for pictures of this size, where its family can be compiled."""
        del mode
        log.warning("%s is not compiled for %d×%d", self.architecture.title, width, height)

    def row_counts(self, row: Row) -> tuple[int, ...]:
        """Return the row counts that a forward pass of such rows may have; empty: any."""
        del row
        return ()

    def wait(self) -> None:
        """Synchronize with the device, so that progress is accurate and a cancel is prompt."""
        if self.device.type != "cpu":
            torch.accelerator.synchronize(self.device)

    def spare_memory(self, latents: torch.Tensor) -> bool:
        """Decode such latents with less memory from now on; return whether that was not so yet."""
        return self._autoencoder.spare_memory(latents)

    def _make_way(self) -> None:
        """Leave the device to the denoiser, if it cannot hold everything."""
        for hook in self._offloaded:
            hook.offload()


def stack(rows: Sequence[Row], name: str) -> torch.Tensor:
    """Return one conditioning of all rows, [rows, …]."""
    return torch.cat([row.conditioning[name] for row in rows])


def family_of(architecture: Architecture | str) -> type[Pipeline]:
    """Return the class that draws with checkpoints of an architecture."""
    if isinstance(architecture, str):
        architecture = ARCHITECTURES[architecture]
    found: Any = pkgutil.resolve_name(architecture.family)
    assert issubclass(found, Pipeline)  # noqa: S101 - or the table of architectures is wrong
    return found

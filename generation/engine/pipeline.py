"""A loaded checkpoint: its text encoder, UNet and VAE on one device."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from accelerate import cpu_offload_with_hook
from accelerate.hooks import UserCpuOffloadHook
from PIL import Image

from generation.catalog import Checkpoint
from generation.engine.compiled import ROWS, CompiledUNet
from generation.engine.prompt import PromptEncoder
from generation.loading.model_loader import Files, Parts, find_files, load_parts
from generation.options import Compile

log = logging.getLogger(__name__)

DrawLatents = Callable[[torch.Generator], torch.Tensor]

TILED_FROM = 1024 * 1024  # pixels; a larger picture is decoded in tiles, to bound the memory


@dataclass(frozen=True, slots=True)
class Prompts:
    """A request's embeddings [1, chunks × 77, width]; ``negative`` is None without guidance.

    ``cut`` are the words that were too many for the text encoder and are left out.
    """

    embedding: torch.Tensor
    negative: torch.Tensor | None = None
    chunks: int = 1
    cut: str = ""


def pick_device() -> torch.device:
    """Return CUDA where there is one, then MPS, then the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def describe(device: torch.device) -> str:
    """Return the device as its owner knows it."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return str(device)


def pick_dtype(device: torch.device, files: Files) -> torch.dtype:
    """Return the type to compute in: fp16 on CUDA, or bf16 for weights stored in it; else fp32.

    MPS draws black pictures with some fp16 VAEs, and on the CPU fp32 is the fastest.
    """
    if device.type != "cuda":
        return torch.float32
    if files.is_bfloat16 and torch.cuda.is_bf16_supported():
        return torch.bfloat16
    return torch.float16


class Pipeline:
    """The parts of a checkpoint as the engine calls them; all run without gradients.

    With ``offloads`` the text encoder and the VAE are on the device only while they run.
    """

    def __init__(self, parts: Parts, device: torch.device, *, offloads: bool = False) -> None:
        self.text_encoder = parts.text_encoder.eval()
        self.unet = parts.unet.to(device).eval()
        self.vae = parts.vae.eval()
        self._compiled: CompiledUNet | None = None
        self._offloaded: list[UserCpuOffloadHook] = []
        for model in (self.text_encoder, self.vae):
            if offloads:
                self._offloaded.append(cpu_offload_with_hook(model, device)[1])
            else:
                model.to(device)
        self.scheduler_config: dict[str, Any] = parts.scheduler_config
        self._prompts = PromptEncoder(parts.tokenizer, self.text_encoder, device)
        self.preview_colours = parts.preview_colours
        self.scale_factor = 2 ** (len(self.vae.config.block_out_channels) - 1)
        self.source = parts.source
        self.checker = parts.checker
        self.device = device
        models = (self.text_encoder, self.unet, self.vae)
        self.parameters = sum(weight.numel() for one in models for weight in one.parameters())

    @classmethod
    def load(cls, checkpoint: Checkpoint, device: torch.device) -> Self:
        """Load a folder, a single file, or a hub id after downloading what is not yet on disk.

        Raises CheckpointUnavailable, naming what is missing or out of reach.
        """
        files = find_files(checkpoint)
        parts = load_parts(files, pick_dtype(device, files), checkpoint.prediction_type)
        return cls(parts, device)

    @property
    def compiled(self) -> bool:
        """Whether its own size runs compiled."""
        return self._compiled is not None

    def row_counts(self, latents: torch.Tensor, embeddings: torch.Tensor) -> tuple[int, ...]:
        """Return the numbers of rows that a forward of such rows may have; empty: any."""
        takes = self._compiled is not None and self._compiled.takes(latents, embeddings)
        return ROWS if takes else ()

    @torch.inference_mode()
    def compile(self, mode: Compile, width: int, height: int) -> None:
        """Compile the UNet for pictures of this size; other sizes stay as they are."""
        embedding = self._prompts.encode("").embedding
        shape = self.latent_shape(width, height)
        latents = torch.zeros((1, *shape), dtype=embedding.dtype, device=self.device)
        self._compiled = CompiledUNet(self.unet, mode, latents, embedding)

    def _overflows(self, values: torch.Tensor) -> bool:
        """Whether the VAE gave no numbers: some do in fp16, and run in fp32 from then on."""
        if self.vae.dtype != torch.float16 or values.isfinite().all():
            return False
        log.warning("the VAE overflows in fp16; it runs in fp32 from now on")
        self.vae.float()
        return True

    def _make_way(self) -> None:
        """Leave the device to the UNet, where there is not enough of it for all."""
        for hook in self._offloaded:
            hook.offload()

    def wait(self) -> None:
        """Wait for the device, so that progress tells the truth and a cancel comes in time."""
        if self.device.type != "cpu":
            torch.accelerator.synchronize(self.device)

    @property
    def prediction_type(self) -> str:
        """What the UNet predicts: "epsilon" or "v_prediction"."""
        return self.scheduler_config["prediction_type"]

    def latent_shape(self, width: int, height: int) -> tuple[int, int, int]:
        """Return (channels, h, w) of the latents of a picture of ``width`` × ``height`` pixels."""
        return (
            self.unet.config.in_channels,
            height // self.scale_factor,
            width // self.scale_factor,
        )

    def encode_prompts(self, prompt: str, negative: str | None = None) -> Prompts:
        """Return the embeddings of a prompt and, for guidance, of its negative prompt."""
        encoded = self._prompts.encode(prompt)
        if negative is None:
            self._make_way()
            return Prompts(encoded.embedding, None, encoded.chunks, encoded.cut)
        against = self._prompts.encode(negative)
        chunks = max(encoded.chunks, against.chunks)
        encoded, against = (self._prompts.pad(one, chunks) for one in (encoded, against))
        self._make_way()
        cut = ", ".join(one.cut for one in (encoded, against) if one.cut)
        return Prompts(encoded.embedding, against.embedding, chunks, cut)

    @torch.inference_mode()
    def predict_noise(
        self, latents: torch.Tensor, timesteps: torch.Tensor, embeddings: torch.Tensor
    ) -> torch.Tensor:
        """Run the UNet once: latents [rows, channels, h, w], timesteps [rows] (float32)."""
        timesteps = timesteps.to(self.device)
        if len(latents) in self.row_counts(latents, embeddings):
            assert self._compiled is not None  # noqa: S101 - or there would be no counts
            return self._compiled(latents, timesteps, embeddings)
        return self.unet(latents, timesteps, encoder_hidden_states=embeddings, return_dict=False)[0]

    @torch.inference_mode()
    def encode_picture(self, picture: Image.Image) -> DrawLatents:
        """Return what draws latents [1, channels, h, w] of an RGB picture from a generator.

        The VAE gives a distribution; every sample draws its own latents, before its noise.
        """
        # The rows first and then the axes: the memory's layout, too, picks the kernels.
        unit = torch.from_numpy(np.asarray(picture, np.float32) / 255)[None].movedim(-1, 1)
        pixels = (2.0 * unit - 1.0).to(self.device, self.vae.dtype)
        posterior = self.vae.encode(pixels).latent_dist
        if self._overflows(posterior.parameters):
            posterior = self.vae.encode(pixels.float()).latent_dist
        self._make_way()

        def draw(generator: torch.Generator) -> torch.Tensor:
            latents = self.vae.config.scaling_factor * posterior.sample(generator)
            return latents.to(self.unet.dtype)

        return draw

    @torch.inference_mode()
    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """Return the picture of latents [1, channels, h, w]: CPU uint8 [height, width, 3]."""
        latents = latents.to(self.vae.dtype) / self.vae.config.scaling_factor
        self.vae.use_tiling = latents[0, 0].numel() * self.scale_factor**2 > TILED_FROM
        picture = self.vae.decode(latents, return_dict=False)[0]
        if self._overflows(picture):
            picture = self.vae.decode(latents.float(), return_dict=False)[0]
        self._make_way()
        unit = (picture * 0.5 + 0.5).clamp(0, 1)[0].permute(1, 2, 0).float().cpu()
        return (unit * 255).round().byte()

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

TILED_FROM = 1024 * 1024  # pixels; larger pictures are decoded in tiles, to bound memory


@dataclass(frozen=True, slots=True)
class Prompts:
    """A request's embeddings [1, chunks × 77, width]; ``negative`` is None without guidance.

    ``cut`` are the words beyond the text encoder's limit, which are left out.
    """

    embedding: torch.Tensor
    negative: torch.Tensor | None = None
    chunks: int = 1
    cut: str = ""


def pick_device() -> torch.device:
    """Return CUDA if available, then MPS, then the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def describe(device: torch.device) -> str:
    """Return the device's name."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return str(device)


def pick_dtype(device: torch.device, files: Files) -> torch.dtype:
    """Return the type to compute in: fp16 on CUDA, or bf16 for weights stored in it; else fp32.

    On MPS some fp16 VAEs yield black pictures, and on the CPU fp32 is the fastest.
    """
    if device.type != "cuda":
        return torch.float32
    if files.is_bfloat16 and torch.cuda.is_bf16_supported():
        return torch.bfloat16
    return torch.float16


class Pipeline:
    """A checkpoint's models as the engine calls them, all without gradients.

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
        """Load a folder, a single file, or a hub id, downloading missing files.

        Raises CheckpointUnavailable, naming what is missing or unreachable.
        """
        files = find_files(checkpoint)
        parts = load_parts(files, pick_dtype(device, files), checkpoint.prediction_type)
        return cls(parts, device)

    @property
    def compiled(self) -> bool:
        """Whether its default size runs compiled."""
        return self._compiled is not None

    def row_counts(self, latents: torch.Tensor, embeddings: torch.Tensor) -> tuple[int, ...]:
        """Return the row counts that such a forward pass may have; empty: any."""
        takes = self._compiled is not None and self._compiled.takes(latents, embeddings)
        return ROWS if takes else ()

    @torch.inference_mode()
    def compile(self, mode: Compile, width: int, height: int) -> None:
        """Compile the UNet for pictures of this size; other sizes are not affected."""
        embedding = self._prompts.encode("").embedding
        shape = self.latent_shape(width, height)
        latents = torch.zeros((1, *shape), dtype=embedding.dtype, device=self.device)
        self._compiled = CompiledUNet(self.unet, mode, latents, embedding)

    def _overflows(self, values: torch.Tensor) -> bool:
        """Whether the VAE yielded NaNs: some do in fp16, and run in fp32 from then on."""
        if self.vae.dtype != torch.float16 or values.isfinite().all():
            return False
        log.warning("the VAE overflows in fp16; it runs in fp32 from now on")
        self.vae.float()
        return True

    def _make_way(self) -> None:
        """Leave the device to the UNet, if it cannot hold everything."""
        for hook in self._offloaded:
            hook.offload()

    def wait(self) -> None:
        """Synchronize with the device, so that progress is accurate and a cancel is prompt."""
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
        """Return a function that samples latents [1, channels, h, w] of an RGB picture.

        The VAE yields a distribution; every sample draws its own latents, before its noise.
        """
        # Rows first and then the axes: the memory layout, too, affects the choice of kernels.
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

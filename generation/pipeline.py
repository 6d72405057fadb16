"""A loaded checkpoint: its text encoder, UNet and VAE on one device."""

from collections.abc import Callable
from typing import Any, Self

import numpy as np
import torch
from PIL import Image

from generation.catalog import Checkpoint
from generation.parts import Files, Parts, find_files, load_parts

DrawLatents = Callable[[torch.Generator], torch.Tensor]


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
    """The parts of a checkpoint as the engine calls them; all run without gradients."""

    def __init__(self, parts: Parts, device: torch.device) -> None:
        self.tokenizer = parts.tokenizer
        self.text_encoder = parts.text_encoder.to(device).eval()
        self.unet = parts.unet.to(device).eval()
        self.vae = parts.vae.eval()
        if self.vae.config.force_upcast and self.vae.dtype == torch.float16:
            self.vae.float()  # in fp16 it overflows to black pictures
        self.vae.to(device)
        self.scheduler_config: dict[str, Any] = parts.scheduler_config
        self.preview_colours = parts.preview_colours
        self.scale_factor = 2 ** (len(self.vae.config.block_out_channels) - 1)
        self.device = device

    @classmethod
    def load(cls, checkpoint: Checkpoint, device: torch.device) -> Self:
        """Load a folder, a single file, or a hub id after downloading what is not yet on disk.

        Raises CheckpointUnavailable, naming what is missing or out of reach.
        """
        files = find_files(checkpoint)
        parts = load_parts(files, pick_dtype(device, files), checkpoint.prediction_type)
        return cls(parts, device)

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

    @torch.inference_mode()
    def encode_prompt(self, prompt: str) -> torch.Tensor:
        """Return the prompt's embedding [1, tokens, width]; what exceeds the tokens is cut."""
        tokens = self.tokenizer(
            prompt,
            padding="max_length",
            max_length=self.tokenizer.model_max_length,
            truncation=True,
            return_tensors="pt",
        )
        # Stable Diffusion 2's encoder says whether padding is hidden from it; 1's says nothing.
        masked = getattr(self.text_encoder.config, "use_attention_mask", False)
        mask = tokens.attention_mask.to(self.device) if masked else None
        return self.text_encoder(tokens.input_ids.to(self.device), attention_mask=mask)[0]

    @torch.inference_mode()
    def predict_noise(
        self, latents: torch.Tensor, timesteps: torch.Tensor, embeddings: torch.Tensor
    ) -> torch.Tensor:
        """Run the UNet once: latents [rows, channels, h, w], timesteps [rows] (float32)."""
        return self.unet(
            latents, timesteps.to(self.device), encoder_hidden_states=embeddings, return_dict=False
        )[0]

    @torch.inference_mode()
    def encode_picture(self, picture: Image.Image) -> DrawLatents:
        """Return what draws latents [1, channels, h, w] of an RGB picture from a generator.

        The VAE gives a distribution; every sample draws its own latents, before its noise.
        """
        # The rows first and then the axes: the memory's layout, too, picks the kernels.
        unit = torch.from_numpy(np.asarray(picture, np.float32) / 255)[None].movedim(-1, 1)
        pixels = (2.0 * unit - 1.0).to(self.device, self.vae.dtype)
        posterior = self.vae.encode(pixels).latent_dist

        def draw(generator: torch.Generator) -> torch.Tensor:
            latents = self.vae.config.scaling_factor * posterior.sample(generator)
            return latents.to(self.unet.dtype)

        return draw

    @torch.inference_mode()
    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """Return the picture of latents [1, channels, h, w]: CPU uint8 [height, width, 3]."""
        latents = latents.to(self.vae.dtype) / self.vae.config.scaling_factor
        picture = self.vae.decode(latents, return_dict=False)[0]
        unit = (picture * 0.5 + 0.5).clamp(0, 1)[0].permute(1, 2, 0).float().cpu()
        return (unit * 255).round().byte()

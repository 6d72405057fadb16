"""A loaded checkpoint: its text encoder, UNet and VAE on one device."""

import json
import logging
from pathlib import Path
from typing import Any, Self

import diffusers.utils.logging
import huggingface_hub
import torch
import transformers.utils.logging
from diffusers import AutoencoderKL, UNet2DConditionModel
from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError
from safetensors import SafetensorError
from transformers import CLIPTextModel, CLIPTokenizer

from generation.catalog import Checkpoint
from generation.checkpoint_folder import PREVIEW, check_folder, download_patterns
from generation.errors import CheckpointUnavailable
from generation.memory import is_out_of_memory
from generation.preview import SD1_COLOURS, PreviewColours

log = logging.getLogger(__name__)

# Their bars and advice are for people at a notebook; failures come as exceptions all the same.
for library in (diffusers.utils.logging, transformers.utils.logging):
    library.disable_progress_bar()
    library.set_verbosity_error()


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


def pick_dtype(device: torch.device) -> torch.dtype:
    """Return fp16 on CUDA and fp32 elsewhere: MPS draws black pictures with some fp16 VAEs."""
    return torch.float16 if device.type == "cuda" else torch.float32


class Pipeline:
    """The parts of a checkpoint as the engine calls them; all run without gradients."""

    def __init__(self, folder: Path, dtype: torch.dtype) -> None:
        weights: dict[str, Any] = {
            "dtype": dtype,
            "use_safetensors": True,
            "local_files_only": True,
        }
        self.tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer", local_files_only=True)
        self.text_encoder = CLIPTextModel.from_pretrained(folder / "text_encoder", **weights)
        self.unet = UNet2DConditionModel.from_pretrained(folder / "unet", **weights)
        self.vae = AutoencoderKL.from_pretrained(folder / "vae", **weights)
        self.scheduler_config = _read(folder / "scheduler" / "scheduler_config.json")
        self.preview_colours = _preview_colours(folder / PREVIEW)
        self.scale_factor = 2 ** (len(self.vae.config.block_out_channels) - 1)
        self.device = torch.device("cpu")

    @classmethod
    def load(cls, checkpoint: Checkpoint, device: torch.device) -> Self:
        """Load a folder, or a hub id after downloading what is not yet on disk.

        Raises CheckpointUnavailable, naming what is missing or out of reach.
        """
        folder = checkpoint.source
        if isinstance(folder, str):
            folder = _download(checkpoint.name, folder, checkpoint.revision)
        check_folder(checkpoint.name, folder)
        try:
            pipeline = cls(folder, pick_dtype(device))
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
            if is_out_of_memory(error):
                raise
            # Still on the CPU: what fails here is a folder that is whole and yet does not fit
            # together, such as weights of other shapes than their configuration says.
            raise CheckpointUnavailable(checkpoint.name, f"{folder}: {_line(error)}") from error
        pipeline.move(device)
        return pipeline

    def move(self, device: torch.device) -> None:
        """Bring every part to the device."""
        for part in (self.text_encoder, self.unet, self.vae):
            part.to(device).eval()
        self.device = device

    def wait(self) -> None:
        """Wait for the device, so that progress tells the truth and a cancel comes in time."""
        if self.device.type != "cpu":
            torch.accelerator.synchronize(self.device)

    @property
    def prediction_type(self) -> str:
        """What the UNet predicts: "epsilon", "v_prediction" or "sample"."""
        return self.scheduler_config.get("prediction_type", "epsilon")

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
    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """Return the picture of latents [1, channels, h, w]: CPU uint8 [height, width, 3]."""
        picture = self.vae.decode(latents / self.vae.config.scaling_factor, return_dict=False)[0]
        unit = (picture * 0.5 + 0.5).clamp(0, 1)[0].permute(1, 2, 0).float().cpu()
        return (unit * 255).round().byte()


def _download(name: str, repository: str, revision: str | None) -> Path:
    """Return the folder of a hub repository, fetching what is not on disk; the hub may be away."""
    log.info("fetching %s from the hub, where it is not on disk yet", repository)
    try:
        folder = huggingface_hub.snapshot_download(
            repository, revision=revision, allow_patterns=download_patterns()
        )
    except LocalEntryNotFoundError as error:
        raise CheckpointUnavailable(
            name, f"{repository} is not on disk and the hub is out of reach"
        ) from error
    except (OSError, HFValidationError) as error:
        raise CheckpointUnavailable(name, f"{repository} on the hub: {_line(error)}") from error
    return Path(folder)


def _line(error: Exception) -> str:
    """Return the first line of what a library says, or the error's kind where it says nothing."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def _preview_colours(file: Path) -> PreviewColours:
    if not file.exists():
        return SD1_COLOURS
    table = _read(file)
    matrix, bias = table["matrix"], table["bias"]
    if [len(row) for row in (*matrix, bias)] != [3] * 5:
        raise ValueError(f"{PREVIEW} must hold a 4×3 matrix and a bias of 3")
    return PreviewColours(tuple(tuple(row) for row in matrix), tuple(bias))


def _read(file: Path) -> dict[str, Any]:
    return json.loads(file.read_text("utf-8"))

"""Starting from an existing checkpoint, even if the recipe has grown since."""

import logging
from pathlib import Path

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextModel

log = logging.getLogger(__name__)


def start_vae(folder: Path) -> AutoencoderKL:
    """Return a checkpoint's VAE in float32."""
    return AutoencoderKL.from_pretrained(folder, subfolder="vae", torch_dtype=torch.float32).eval()


@torch.no_grad()
def start_denoiser(folder: Path, unet: UNet2DConditionModel, text: CLIPTextModel) -> None:
    """Load a checkpoint's weights into the models.

    An attention layer missing in the checkpoint has no effect at first: its last projection is
    zero.
    """
    older = UNet2DConditionModel.from_pretrained(folder, subfolder="unet")
    missing = unet.load_state_dict(older.float().state_dict(), strict=False).missing_keys
    for name, parameter in unet.named_parameters():
        if name in missing and ".proj_out." in name:
            parameter.zero_()
    log.info("%d parameters are new", len(missing))
    words = CLIPTextModel.from_pretrained(folder, subfolder="text_encoder")
    text.load_state_dict(words.float().state_dict())

"""Starting from an existing checkpoint, even if the recipe has grown since."""

import logging
from pathlib import Path

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextModel

log = logging.getLogger(__name__)


def start_vae(folder: Path) -> AutoencoderKL:
    """Return a checkpoint's VAE in float32, which does not remember where it came from."""
    vae = AutoencoderKL.from_pretrained(folder, subfolder="vae", torch_dtype=torch.float32)
    vae.register_to_config(_name_or_path="")
    return vae.eval()


@torch.no_grad()
def start_denoiser(folder: Path, unet: UNet2DConditionModel, text: CLIPTextModel) -> None:
    """Load a checkpoint's weights into the models.

    What the checkpoint lacks has no effect at first: the last projection of an attention layer is
    zero, and so is what its ends take of, and give to, a layer that it does not know.
    """
    older = UNet2DConditionModel.from_pretrained(folder, subfolder="unet")
    known = older.float().state_dict()
    for name, parameter in unet.named_parameters():
        if name in known and known[name].shape != parameter.shape:
            wider = torch.zeros_like(parameter)
            wider[tuple(slice(0, size) for size in known[name].shape)] = known[name]
            known[name] = wider
    missing = unet.load_state_dict(known, strict=False).missing_keys
    for name, parameter in unet.named_parameters():
        if name in missing and ".proj_out." in name:
            parameter.zero_()
    log.info("%d parameters are new", len(missing))
    words = CLIPTextModel.from_pretrained(folder, subfolder="text_encoder")
    text.load_state_dict(words.float().state_dict())

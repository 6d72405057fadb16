"""A checkpoint of Stable Diffusion 1.5's size with random weights.

The sizes are those of the configurations published with it (its ``unet``, ``vae`` and
``text_encoder`` folders); the tokenizer and its smaller vocabulary are the embedded checkpoint's.
The outputs are scaled to a trained model's range, so that differences between two ways of
generating are visible in the pictures.
"""

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTokenizer

from benchmarks.engine.small_checkpoint import SCHEDULER, text_model
from generation.embedded import CHECKPOINT
from generation.loading.model_loader import Parts

UNET_PARAMETERS = 859.5e6
TFLOP_PER_ROW = 0.803  # one forward of one row at 512 px
TEXT_WIDTH = 768
PIXEL_DEVIATION = 0.5  # of -1…1, about a photograph's


def build(device: torch.device, dtype: torch.dtype) -> Parts:
    """Return the checkpoint on the device, where the random weights are drawn."""
    torch.manual_seed(0)
    tokenizer = CLIPTokenizer.from_pretrained(CHECKPOINT / "tokenizer", local_files_only=True)
    with device:
        unet = UNet2DConditionModel(
            sample_size=64,
            block_out_channels=(320, 640, 1280, 1280),
            layers_per_block=2,
            cross_attention_dim=TEXT_WIDTH,
            attention_head_dim=8,
        )
        vae = AutoencoderKL(
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            block_out_channels=(128, 256, 512, 512),
            layers_per_block=2,
            sample_size=512,
        )
        text_encoder = text_model(tokenizer, width=TEXT_WIDTH, layers=12, heads=12)
    parameters = sum(weight.numel() for weight in unet.parameters())
    assert abs(parameters - UNET_PARAMETERS) < 0.05e6, parameters
    components = {
        "tokenizer": tokenizer,
        "text_encoder": text_encoder.to(dtype),
        "unet": unet.to(dtype),
        "vae": vae.to(dtype),
    }
    parts = Parts(components, SCHEDULER)
    spread(parts)
    return parts


@torch.inference_mode()
def spread(parts: Parts) -> None:
    """Scale the last layers so that predicted noise has variance 1 and pictures have contrast."""
    unet, vae = parts.components["unet"], parts.components["vae"]
    latents = torch.randn((1, unet.config.in_channels, 16, 16)).to(unet.device, unet.dtype)
    width = unet.config.cross_attention_dim
    embedding = torch.randn((1, 77, width)).to(unet.device, unet.dtype)
    noise = unet(latents, 500, encoder_hidden_states=embedding, return_dict=False)[0]
    _scale(unet.conv_out, 1.0 / float(noise.float().std()))
    decoded = vae.decode(latents / vae.config.scaling_factor, return_dict=False)[0]
    _scale(vae.decoder.conv_out, PIXEL_DEVIATION / float(decoded.float().std()))


def _scale(layer: torch.nn.Conv2d, factor: float) -> None:
    layer.weight.mul_(factor)
    if layer.bias is not None:
        layer.bias.mul_(factor)

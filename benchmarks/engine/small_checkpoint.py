"""The small checkpoint: Stable Diffusion 1.5's depth, a twentieth of its width, random weights.

Its UNet has every layer of the large one (the same blocks, two residual layers and transformers
each), but with 16 to 48 channels instead of 320 to 1280: 1.42 million parameters. At one row,
launching layers therefore takes more time than arithmetic, as on a GPU at small batches; more rows
cost little at first and increasingly more later. The latents are 8 × 8, and the VAE and the text
encoder are as small relative to the UNet as Stable Diffusion's are. The tokenizer is the embedded
checkpoint's.
"""

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from generation.embedded import CHECKPOINT
from generation.loading.model_loader import Parts

SIZE = 64  # pixels
TEXT_WIDTH = 64
# Stable Diffusion 1's, from which the schedulers derive their noise levels.
SCHEDULER = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "steps_offset": 1,
    "prediction_type": "epsilon",
}


def build() -> Parts:
    """Return the checkpoint, the same weights every time."""
    torch.manual_seed(0)
    tokenizer = CLIPTokenizer.from_pretrained(CHECKPOINT / "tokenizer", local_files_only=True)
    unet = UNet2DConditionModel(
        sample_size=SIZE // 8,
        block_out_channels=(16, 32, 48, 48),
        layers_per_block=2,
        cross_attention_dim=TEXT_WIDTH,
        attention_head_dim=8,
        norm_num_groups=16,
    )
    vae = AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(8, 16, 32, 32),
        layers_per_block=2,
        norm_num_groups=8,
        sample_size=SIZE,
    )
    text_encoder = text_model(tokenizer, width=TEXT_WIDTH, layers=12, heads=4)
    components = {
        "tokenizer": tokenizer,
        "text_encoder": text_encoder,
        "unet": unet,
        "vae": vae,
    }
    return Parts(components, SCHEDULER)


def text_model(tokenizer: CLIPTokenizer, *, width: int, layers: int, heads: int) -> CLIPTextModel:
    """Return a CLIP text encoder with random weights for the tokenizer's vocabulary."""
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=width,
            intermediate_size=4 * width,
            projection_dim=width,
            num_hidden_layers=layers,
            num_attention_heads=heads,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )

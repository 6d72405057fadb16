"""Tiny checkpoints of every family with random weights, in diffusers' folder format."""

from collections.abc import Mapping
from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL,
    EulerDiscreteScheduler,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from generation.embedded.recipe.training.tokenizer import train_tokenizer
from tests.generation.conftest import BETAS


def save_tiny_xl(
    folder: Path, unet: Mapping[str, object] | None = None, *, empty_is_zero: bool = True
) -> Path:
    """Save a checkpoint built like Stable Diffusion XL: the second encoder is wider and deeper."""
    torch.manual_seed(1)
    tokenizers = [
        train_tokenizer(["a red apple", "a sleeping cat", "two boats at sea"], 30) for _ in range(2)
    ]
    tokenizers[1].pad_token = "!"  # as in OpenCLIP's
    encoders = [
        kind(
            CLIPTextConfig(
                vocab_size=len(tokenizer),
                hidden_size=width,
                intermediate_size=2 * width,
                projection_dim=width,
                num_hidden_layers=layers,
                num_attention_heads=4,
                hidden_act=activation,
                bos_token_id=tokenizer.bos_token_id,
                eos_token_id=tokenizer.eos_token_id,
                pad_token_id=tokenizer.pad_token_id,
            )
        )
        for kind, tokenizer, width, layers, activation in zip(
            (CLIPTextModel, CLIPTextModelWithProjection),
            tokenizers,
            (24, 40),
            (2, 11),
            ("quick_gelu", "gelu"),
            strict=True,
        )
    ]
    model = {
        "sample_size": 8,
        "block_out_channels": (32, 64),
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
        "layers_per_block": 1,
        "transformer_layers_per_block": (1, 2),
        "cross_attention_dim": 24 + 40,
        "attention_head_dim": (2, 4),
        "use_linear_projection": True,
        "norm_num_groups": 16,
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 8,
        "projection_class_embeddings_input_dim": 40 + 6 * 8,
    }
    vae = AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        block_out_channels=(16, 16, 16),
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=8,
        sample_size=32,
        scaling_factor=0.13025,
    )
    StableDiffusionXLPipeline(
        vae=vae,
        text_encoder=encoders[0],
        text_encoder_2=encoders[1],
        tokenizer=tokenizers[0],
        tokenizer_2=tokenizers[1],
        unet=UNet2DConditionModel(**{**model, **(unet or {})}),
        scheduler=EulerDiscreteScheduler(**BETAS, timestep_spacing="leading"),
        force_zeros_for_empty_prompt=empty_is_zero,
        add_watermarker=False,
    ).save_pretrained(folder, safe_serialization=True)
    return folder

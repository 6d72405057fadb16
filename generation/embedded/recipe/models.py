"""The untrained models and their sizes, and the noise schedule they are trained with."""

from dataclasses import dataclass

from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

LAYER = 4  # values of a latent cell for each of a picture's two layers: its things, what is behind


@dataclass(frozen=True)
class Sizes:
    """What can be increased on a bigger machine. Pictures are ``picture``² px."""

    picture: int = 128
    vae_blocks: tuple[int, ...] = (16, 48, 96, 128)
    vae_steps: int = 2600
    vae_batch: int = 8
    vae_rate: float = 1.5e-3
    layered_steps: int = 3500
    sharpen_steps: int = 4000
    sharpen_rate: float = 5e-4
    unet_blocks: tuple[int, ...] = (64, 128, 224)
    text_width: int = 160
    text_layers: int = 2
    vocabulary: int = 3000
    reading_steps: int = 500
    reading_batch: int = 128
    reading_rate: float = 1.5e-3
    steps: int = 10_500
    batch: int = 64
    rate: float = 1e-3
    caption_dropout: float = 0.08
    gibberish: float = 0.02
    classifier_examples: int = 16_000
    classifier_steps: int = 2000
    other_aspects: float = 0.06
    made_up: float = 0.68
    painted: int = 6000
    shaped: int = 1500
    pool: int = 4096
    fresh: int = 6
    look_every: int = 500


def build_vae(sizes: Sizes, channels: int = LAYER) -> AutoencoderKL:
    """Return an untrained VAE for a single layer, halving the size between blocks."""
    depth = len(sizes.vae_blocks)
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * depth,
        up_block_types=("UpDecoderBlock2D",) * depth,
        block_out_channels=sizes.vae_blocks,
        layers_per_block=1,
        latent_channels=channels,
        norm_num_groups=8,
        sample_size=sizes.picture,
    )


def build_unet(sizes: Sizes) -> UNet2DConditionModel:
    """Return an untrained UNet for two layers; its two innermost levels attend to the prompt.

    A summary of the prompt also scales and shifts every block (Perez et al. 2018, FiLM): a model of
    this size learns many pictures several times faster this way than by attention alone.
    """
    outer = max(len(sizes.unet_blocks) - 2, 0)
    inner = len(sizes.unet_blocks) - outer
    return UNet2DConditionModel(
        in_channels=2 * LAYER,
        out_channels=2 * LAYER,
        sample_size=sizes.picture // 2 ** (len(sizes.vae_blocks) - 1),
        block_out_channels=sizes.unet_blocks,
        down_block_types=("DownBlock2D",) * outer + ("CrossAttnDownBlock2D",) * inner,
        up_block_types=("CrossAttnUpBlock2D",) * inner + ("UpBlock2D",) * outer,
        layers_per_block=1,
        cross_attention_dim=sizes.text_width,
        attention_head_dim=4,
        addition_embed_type="text",
        addition_embed_type_num_heads=4,
        resnet_time_scale_shift="scale_shift",
    )


def build_text_encoder(sizes: Sizes, tokenizer: CLIPTokenizer) -> CLIPTextModel:
    """Return an untrained CLIP text encoder for the tokenizer's vocabulary."""
    config = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=sizes.text_width,
        intermediate_size=sizes.text_width * 4,
        projection_dim=sizes.text_width,
        num_hidden_layers=sizes.text_layers,
        num_attention_heads=4,
        max_position_embeddings=tokenizer.model_max_length,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return CLIPTextModel(config)


def noise_schedule() -> DDPMScheduler:
    """Return Stable Diffusion 1's training noise (Rombach et al. 2022; public configuration).

    The model predicts v (Salimans & Ho 2022, appendix D): at high noise, where the prompt decides
    which picture it will be, predicting ε teaches next to nothing.
    """
    return DDPMScheduler(
        num_train_timesteps=1000,
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        prediction_type="v_prediction",
    )

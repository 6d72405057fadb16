"""Tiny checkpoints of each family with random weights, saved in diffusers' folder format.

Pictures are 4 px a latent cell. Every encoder has its own width, so that none can be taken for
another.
"""

import json
from collections.abc import Callable
from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL,
    FlowMatchEulerDiscreteScheduler,
    FluxPipeline,
    FluxTransformer2DModel,
    SD3Transformer2DModel,
    StableDiffusion3Pipeline,
    ZImagePipeline,
    ZImageTransformer2DModel,
)
from tokenizers import pre_tokenizers
from torch import nn
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    Qwen2Tokenizer,
    Qwen3Config,
    Qwen3Model,
    T5Config,
    T5EncoderModel,
    T5Tokenizer,
)

from generation.embedded.recipe.training.tokenizer import train_tokenizer

WORDS = ("a red apple", "a sleeping cat", "two boats at sea")
T5_WIDTH = 80
Save = Callable[[Path], Path]

# What the chat template of Qwen3 makes of one message of a person, thinking left to the model.
CHAT = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def save_sd3(folder: Path, *, t5: bool = True, large: bool = False, **shift: object) -> Path:
    """Like Stable Diffusion 3.5: medium has dual attention in its first layers, large has none."""
    torch.manual_seed(3)
    first = _clip_tokenizer()
    second = CLIPTokenizer(
        vocab=first.get_vocab(), merges=_merges(first), model_max_length=77, pad_token="!"
    )
    transformer = SD3Transformer2DModel(
        sample_size=16,
        num_layers=3 if large else 2,
        attention_head_dim=8,
        num_attention_heads=4,
        joint_attention_dim=T5_WIDTH,
        caption_projection_dim=32,
        pooled_projection_dim=16 + 24,
        pos_embed_max_size=32,
        dual_attention_layers=() if large else (0,),
        qk_norm="rms_norm",
    )
    pipeline = StableDiffusion3Pipeline(
        transformer=transformer,
        scheduler=FlowMatchEulerDiscreteScheduler(**{"shift": 3.0, **shift}),
        vae=_vae(1.5305, 0.0609),
        text_encoder=_clip(first, 32, 16, CLIPTextModelWithProjection),
        tokenizer=first,
        text_encoder_2=_clip(second, 40, 24, CLIPTextModelWithProjection),
        tokenizer_2=second,
        text_encoder_3=_t5() if t5 else None,
        tokenizer_3=t5_tokenizer() if t5 else None,
    )
    return _save(pipeline, folder)


def save_flux(folder: Path, *, dev: bool = True) -> Path:
    """Like Flux: dev has guidance in its weights and a shift by size, schnell has neither."""
    torch.manual_seed(4)
    tokenizer = _clip_tokenizer()
    transformer = FluxTransformer2DModel(
        num_layers=1,
        num_single_layers=2,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=T5_WIDTH,
        pooled_projection_dim=24,
        guidance_embeds=dev,
        axes_dims_rope=(4, 6, 6),
    )
    shift = {"use_dynamic_shifting": True, "shift": 3.0} if dev else {"shift": 1.0}
    pipeline = FluxPipeline(
        transformer=transformer,
        scheduler=FlowMatchEulerDiscreteScheduler(**shift),
        vae=_vae(0.3611, 0.1159),
        text_encoder=_clip(tokenizer, 24, 24, CLIPTextModel),
        tokenizer=tokenizer,
        text_encoder_2=_t5(),
        tokenizer_2=t5_tokenizer(),
    )
    return _save(pipeline, folder)


def save_z_image(folder: Path, *, shift: float = 3.0) -> Path:
    """Like Z-Image Turbo."""
    torch.manual_seed(5)
    tokenizer = qwen_tokenizer()
    transformer = ZImageTransformer2DModel(
        dim=32,
        n_layers=2,
        n_refiner_layers=1,
        n_heads=2,
        n_kv_heads=2,
        cap_feat_dim=24,
        axes_dims=[4, 6, 6],
        axes_lens=[1536, 512, 512],
    )
    nn.init.normal_(transformer.x_pad_token)
    nn.init.normal_(transformer.cap_pad_token)
    pipeline = ZImagePipeline(
        transformer=transformer,
        scheduler=FlowMatchEulerDiscreteScheduler(shift=shift),
        vae=_vae(0.3611, 0.1159),
        text_encoder=Qwen3Model(
            Qwen3Config(
                vocab_size=len(tokenizer),
                hidden_size=24,
                intermediate_size=48,
                num_hidden_layers=3,
                num_attention_heads=2,
                num_key_value_heads=1,
                head_dim=12,
                max_position_embeddings=1024,
            )
        ),
        tokenizer=tokenizer,
    )
    return _save(pipeline, folder)


def t5_tokenizer() -> T5Tokenizer:
    """Return words and letters of English as SentencePiece would write them."""
    words = {word for caption in WORDS for word in caption.split()}
    letters = "abcdefghijklmnopqrstuvwxyz0123456789.,:;!?'()[]-"
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0)]
    pieces += [(f"▁{word}", -3.0) for word in sorted(words)] + [(one, -6.0) for one in letters]
    return T5Tokenizer(
        vocab=pieces, extra_ids=0, additional_special_tokens=[], model_max_length=512
    )


def qwen_tokenizer() -> Qwen2Tokenizer:
    """Return bytes, each a token, with the template of a chat."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Qwen2Tokenizer(
        vocab={letter: index for index, letter in enumerate([*letters, "<|endoftext|>"])},
        merges=[],
        model_max_length=131072,
    )
    tokenizer.add_special_tokens(
        {"eos_token": "<|im_end|>", "additional_special_tokens": ["<|im_start|>"]}
    )
    tokenizer.chat_template = CHAT
    return tokenizer


def _clip_tokenizer() -> CLIPTokenizer:
    return train_tokenizer([*WORDS], 30)


def _merges(tokenizer: CLIPTokenizer) -> list[tuple[str, str]]:
    learned = json.loads(tokenizer.backend_tokenizer.to_str())["model"]["merges"]
    return [tuple(merge) for merge in learned]


def _clip(
    tokenizer: CLIPTokenizer, width: int, projection: int, kind: type[nn.Module]
) -> nn.Module:
    return kind(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=width,
            intermediate_size=64,
            projection_dim=projection,
            num_hidden_layers=3,
            num_attention_heads=4,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def _t5() -> T5EncoderModel:
    return T5EncoderModel(
        T5Config(
            vocab_size=len(t5_tokenizer()),
            d_model=T5_WIDTH,
            d_kv=8,
            d_ff=64,
            num_layers=2,
            num_heads=4,
            feed_forward_proj="gated-gelu",
            tie_word_embeddings=False,
        )
    )


def _vae(scaling: float, shift: float) -> AutoencoderKL:
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        block_out_channels=(16, 16, 16),
        layers_per_block=1,
        latent_channels=16,
        norm_num_groups=8,
        sample_size=32,
        scaling_factor=scaling,
        shift_factor=shift,
        use_quant_conv=False,
        use_post_quant_conv=False,
    )


def _save(pipeline: nn.Module, folder: Path) -> Path:
    pipeline.save_pretrained(folder, safe_serialization=True)
    return folder

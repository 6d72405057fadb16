"""Fits a family's configuration to the shapes that a file has. Imports no torch.

Most files have their family's own shapes, and get exactly its configuration. Fine-tunes with fewer
layers, and Stable Diffusion 3's sizes, differ in numbers that the shapes tell.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

Config = dict[str, Any]
Shapes = Mapping[str, tuple[int, ...]]  # by the original names, without a checkpoint's prefix

HEAD = 64  # the width of an attention head of all but SD 1's UNet, which has eight
PATCH_CELLS = 4  # Flux packs 2×2 cells of latents into a token


def fit(config: Config, shapes: Shapes) -> Config:
    """Return a component's configuration with the numbers that ``shapes`` tell.

    Shapes in diffusers' own names leave it as it is. Raises KeyError or IndexError if what an
    architecture cannot be without is missing.
    """
    kind = config.get("_class_name") or config["architectures"][0]
    for marker, fitting in _FITTINGS[kind].items():
        if marker in shapes:
            return {**config, **fitting(config, shapes)}
    return config


def fit_size_ids(unet: Config, pooled: int) -> Config:
    """Return SDXL's UNet configuration for pooled embeddings of this width, beside six numbers."""
    width = unet["projection_class_embeddings_input_dim"]
    return {**unet, "addition_time_embed_dim": (width - pooled) // 6}


def _count(shapes: Shapes, beginning: str) -> int:
    """Return how many numbered entries there are, as in ``layers.0.…``, ``layers.1.…``."""
    start = len(beginning)
    return 1 + max(
        (
            int(key[start:].split(".", 1)[0])
            for key in shapes
            if key.startswith(beginning) and key[start:].split(".", 1)[0].isdigit()
        ),
        default=-1,
    )


def _unet(config: Config, shapes: Shapes) -> Config:
    blocks = _count(shapes, "input_blocks.")
    levels = 1 + sum(1 for key in shapes if re.fullmatch(r"input_blocks\.\d+\.0\.op\.weight", key))
    layers = blocks // levels - 1
    firsts = [1 + level * (layers + 1) for level in range(levels)]
    channels = [shapes[f"input_blocks.{first}.0.out_layers.3.weight"][0] for first in firsts]
    depths = [_count(shapes, f"input_blocks.{first}.1.transformer_blocks.") for first in firsts]
    middle = _count(shapes, "middle_block.1.transformer_blocks.")
    fitted = {
        "in_channels": shapes["input_blocks.0.0.weight"][1],
        "out_channels": shapes["out.2.weight"][0],
        "block_out_channels": channels,
        "layers_per_block": layers,
        "down_block_types": ["CrossAttnDownBlock2D" if one else "DownBlock2D" for one in depths],
        "up_block_types": [
            "CrossAttnUpBlock2D" if one else "UpBlock2D" for one in reversed(depths)
        ],
        "cross_attention_dim": next(
            shape[1] for key, shape in shapes.items() if key.endswith("attn2.to_k.weight")
        ),
    }
    if isinstance(config["attention_head_dim"], list):
        fitted["attention_head_dim"] = [max(1, one // HEAD) for one in channels]
    if "transformer_layers_per_block" in config or max(depths) > 1 or middle > 1:
        fitted["transformer_layers_per_block"] = [*(one or 1 for one in depths[:-1]), middle]
    if "label_emb.0.0.weight" in shapes:
        fitted["projection_class_embeddings_input_dim"] = shapes["label_emb.0.0.weight"][1]
    if guided := shapes.get("time_embed.cond_proj.weight"):
        fitted["time_cond_proj_dim"] = guided[1]
    return fitted


def _vae(_config: Config, shapes: Shapes) -> Config:
    levels = _count(shapes, "encoder.down.") or _count(shapes, "decoder.up.")
    return {
        "block_out_channels": [
            shapes[f"decoder.up.{level}.block.0.conv2.weight"][0] for level in range(levels)
        ],
        "down_block_types": ["DownEncoderBlock2D"] * levels,
        "up_block_types": ["UpDecoderBlock2D"] * levels,
        "layers_per_block": _count(shapes, "decoder.up.0.block.") - 1,
        "latent_channels": shapes["decoder.conv_in.weight"][1],
        **({} if "quant_conv.weight" in shapes else {"use_quant_conv": False}),
        **({} if "post_quant_conv.weight" in shapes else {"use_post_quant_conv": False}),
    }


def _clip(config: Config, shapes: Shapes) -> Config:
    root = "text_model." if any(key.startswith("text_model.") for key in shapes) else ""
    vocabulary, hidden = shapes[f"{root}embeddings.token_embedding.weight"]
    fitted = {
        "vocab_size": vocabulary,
        "hidden_size": hidden,
        "num_hidden_layers": _count(shapes, f"{root}encoder.layers."),
        "num_attention_heads": max(1, hidden // HEAD),
        "intermediate_size": shapes[f"{root}encoder.layers.0.mlp.fc1.weight"][0],
        "max_position_embeddings": shapes[f"{root}embeddings.position_embedding.weight"][0],
    }
    if _pools(config):  # without a projection, as wide as it is
        fitted["projection_dim"] = shapes.get("text_projection.weight", (hidden,))[0]
    return fitted


def _pools(clip: Config) -> bool:
    return clip["architectures"] == ["CLIPTextModelWithProjection"]


def _open_clip(config: Config, shapes: Shapes) -> Config:
    vocabulary, hidden = shapes["token_embedding.weight"]
    layers = _count(shapes, "transformer.resblocks.")
    pools = _pools(config)
    fitted = {
        "vocab_size": vocabulary,
        "hidden_size": hidden,
        # SD 2 reads the last layer but one, and diffusers leaves the last one out.
        "num_hidden_layers": layers if pools else layers - 1,
        "num_attention_heads": max(1, hidden // HEAD),
        "intermediate_size": shapes["transformer.resblocks.0.mlp.c_fc.weight"][0],
        "max_position_embeddings": shapes["positional_embedding"][0],
    }
    if pools:
        fitted["projection_dim"] = shapes["text_projection"][1]
    return fitted


def _t5(_config: Config, shapes: Shapes) -> Config:
    block = "encoder.block.0.layer"
    vocabulary, width = shapes["shared.weight"]
    buckets, heads = shapes[f"{block}.0.SelfAttention.relative_attention_bias.weight"]
    return {
        "vocab_size": vocabulary,
        "d_model": width,
        "d_kv": shapes[f"{block}.0.SelfAttention.q.weight"][0] // heads,
        "d_ff": shapes[f"{block}.1.DenseReluDense.wi_0.weight"][0],
        "num_heads": heads,
        "num_layers": _count(shapes, "encoder.block."),
        "relative_attention_num_buckets": buckets,
    }


def _qwen(_config: Config, shapes: Shapes) -> Config:
    layer = "model.layers.0"
    vocabulary, width = shapes["model.embed_tokens.weight"]
    head = shapes[f"{layer}.self_attn.q_norm.weight"][0]
    return {
        "vocab_size": vocabulary,
        "hidden_size": width,
        "head_dim": head,
        "intermediate_size": shapes[f"{layer}.mlp.gate_proj.weight"][0],
        "num_hidden_layers": _count(shapes, "model.layers."),
        "num_attention_heads": shapes[f"{layer}.self_attn.q_proj.weight"][0] // head,
        "num_key_value_heads": shapes[f"{layer}.self_attn.k_proj.weight"][0] // head,
    }


def _sd3(_config: Config, shapes: Shapes) -> Config:
    width, channels, patch, _ = shapes["x_embedder.proj.weight"]
    captions, joint = shapes["context_embedder.weight"]
    layers = _count(shapes, "joint_blocks.")
    return {
        "patch_size": patch,
        "in_channels": channels,
        "num_layers": layers,
        "num_attention_heads": max(1, width // HEAD),
        "attention_head_dim": min(width, HEAD),
        "joint_attention_dim": joint,
        "caption_projection_dim": captions,
        "pooled_projection_dim": shapes["y_embedder.mlp.0.weight"][1],
        "out_channels": shapes["final_layer.linear.weight"][0] // patch**2,
        "pos_embed_max_size": round(shapes["pos_embed"][1] ** 0.5),
        "qk_norm": "rms_norm" if "joint_blocks.0.x_block.attn.ln_q.weight" in shapes else None,
        "dual_attention_layers": [
            layer
            for layer in range(layers)
            if f"joint_blocks.{layer}.x_block.attn2.qkv.weight" in shapes
        ],
    }


def _flux(config: Config, shapes: Shapes) -> Config:
    width, cells = shapes["img_in.weight"]
    (head,) = shapes["double_blocks.0.img_attn.norm.query_norm.scale"]
    fitted = {
        "in_channels": cells,
        "num_layers": _count(shapes, "double_blocks."),
        "num_single_layers": _count(shapes, "single_blocks."),
        "attention_head_dim": head,
        "num_attention_heads": width // head,
        "joint_attention_dim": shapes["txt_in.weight"][1],
        "pooled_projection_dim": shapes["vector_in.in_layer.weight"][1],
        "guidance_embeds": "guidance_in.in_layer.weight" in shapes,
        "axes_dims_rope": _axes(config["axes_dims_rope"], head),
    }
    if (out := shapes["final_layer.linear.weight"][0]) != cells:
        fitted["out_channels"] = out
    return fitted


def _z_image(config: Config, shapes: Shapes) -> Config:
    width, cells = shapes["x_embedder.weight"]
    (head,) = shapes["layers.0.attention.q_norm.weight"]
    return {
        "in_channels": cells // PATCH_CELLS,
        "dim": width,
        "n_layers": _count(shapes, "layers."),
        "n_refiner_layers": _count(shapes, "noise_refiner."),
        "n_heads": width // head,
        "n_kv_heads": width // head,
        "cap_feat_dim": shapes["cap_embedder.0.weight"][0],
        "axes_dims": _axes(config["axes_dims"], head),
    }


def _axes(axes: list[int], head: int) -> list[int]:
    """Divide a head's width among a position's axes as the family does; each part is even."""
    first, *others = (max(2, one * head // sum(axes) // 2 * 2) for one in axes)
    return [head - sum(others), *others] if first + sum(others) != head else [first, *others]


Fitting = Callable[[Config, Shapes], Config]
# By the class that a configuration is for, and a name that only the original layout has.
_CLIP_LAYOUTS: dict[str, Fitting] = {
    "text_model.final_layer_norm.weight": _clip,
    "final_layer_norm.weight": _clip,
    "ln_final.weight": _open_clip,
}
_FITTINGS: dict[str, dict[str, Fitting]] = {
    "UNet2DConditionModel": {"input_blocks.0.0.weight": _unet},
    "AutoencoderKL": {"decoder.mid.block_1.conv1.weight": _vae},
    "CLIPTextModel": _CLIP_LAYOUTS,
    "CLIPTextModelWithProjection": _CLIP_LAYOUTS,
    "T5EncoderModel": {"shared.weight": _t5},
    "Qwen3ForCausalLM": {"model.embed_tokens.weight": _qwen},
    "SD3Transformer2DModel": {"x_embedder.proj.weight": _sd3},
    "FluxTransformer2DModel": {"img_in.weight": _flux},
    "ZImageTransformer2DModel": {"x_embedder.weight": _z_image},
}

"""The original names of transformers and of their text encoders, made from diffusers' own."""

import re
from collections.abc import Iterable, Mapping

import torch

Weights = dict[str, torch.Tensor]
Names = Iterable[tuple[str, str]]


def prefixed(weights: Weights, prefix: str) -> Weights:
    return {prefix + key: weight for key, weight in weights.items()}


def _joined(weights: Weights, targets: Iterable[str], source: str) -> Weights:
    """Join rows: ``targets`` are several names of one matrix by now, ``source`` its old one."""
    joined = {}
    for kind in ("weight", "bias"):
        rows = [weights[f"{target}.{kind}"] for target in targets if f"{target}.{kind}" in weights]
        if rows:
            joined[f"{source}.{kind}"] = torch.cat(rows)
    return joined


def _blocks(weights: Weights, old: str, new: str, names: Names, fused: Names) -> Weights:
    """Rename the numbered blocks of a transformer; ``fused`` join several names in one."""
    count = 1 + max(
        (int(key.split(".")[1]) for key in weights if key.startswith(f"{new}.")), default=-1
    )
    renamed: Weights = {}
    for block in range(count):
        root = f"{new}.{block}."
        mine = {key[len(root) :]: one for key, one in weights.items() if key.startswith(root)}
        for source, targets in fused:
            renamed |= prefixed(_joined(mine, targets.split(), source), f"{old}.{block}.")
        done = {target for _, targets in fused for target in targets.split()}
        for key, one in mine.items():
            name, _, ending = key.rpartition(".")
            if name not in done:
                renamed[f"{old}.{block}.{dict(names)[name]}.{ending}"] = one
    return renamed


def _swapped(weight: torch.Tensor) -> torch.Tensor:
    """Scale and shift in diffusers, shift and scale in the original."""
    return torch.cat(weight.chunk(2)[::-1])


def _outer(weights: Weights, names: Mapping[str, str]) -> Weights:
    outer = {}
    for key, one in weights.items():
        name, _, ending = key.rpartition(".")
        if name in names:
            outer[f"{names[name]}.{ending}"] = _swapped(one) if name == "norm_out.linear" else one
    return outer


SD3_OUTER = {
    "pos_embed.proj": "x_embedder.proj",
    "time_text_embed.timestep_embedder.linear_1": "t_embedder.mlp.0",
    "time_text_embed.timestep_embedder.linear_2": "t_embedder.mlp.2",
    "time_text_embed.text_embedder.linear_1": "y_embedder.mlp.0",
    "time_text_embed.text_embedder.linear_2": "y_embedder.mlp.2",
    "context_embedder": "context_embedder",
    "proj_out": "final_layer.linear",
    "norm_out.linear": "final_layer.adaLN_modulation.1",
}
SD3_FUSED = (
    ("x_block.attn.qkv", "attn.to_q attn.to_k attn.to_v"),
    ("context_block.attn.qkv", "attn.add_q_proj attn.add_k_proj attn.add_v_proj"),
    ("x_block.attn2.qkv", "attn2.to_q attn2.to_k attn2.to_v"),
)
SD3_BLOCK = (
    ("attn.to_out.0", "x_block.attn.proj"),
    ("attn.to_add_out", "context_block.attn.proj"),
    ("attn2.to_out.0", "x_block.attn2.proj"),
    ("attn.norm_q", "x_block.attn.ln_q"),
    ("attn.norm_k", "x_block.attn.ln_k"),
    ("attn.norm_added_q", "context_block.attn.ln_q"),
    ("attn.norm_added_k", "context_block.attn.ln_k"),
    ("attn2.norm_q", "x_block.attn2.ln_q"),
    ("attn2.norm_k", "x_block.attn2.ln_k"),
    ("norm1.linear", "x_block.adaLN_modulation.1"),
    ("norm1_context.linear", "context_block.adaLN_modulation.1"),
    ("ff.net.0.proj", "x_block.mlp.fc1"),
    ("ff.net.2", "x_block.mlp.fc2"),
    ("ff_context.net.0.proj", "context_block.mlp.fc1"),
    ("ff_context.net.2", "context_block.mlp.fc2"),
)


def sd3(weights: Weights) -> Weights:
    """Stability's names of SD 3's transformer."""
    blocks = _blocks(weights, "joint_blocks", "transformer_blocks", SD3_BLOCK, SD3_FUSED)
    last = max(int(key.split(".")[1]) for key in blocks)
    for kind in ("weight", "bias"):  # the last context is only normalized, as at the end
        key = f"joint_blocks.{last}.context_block.adaLN_modulation.1.{kind}"
        blocks[key] = _swapped(blocks[key])
    positions = {"pos_embed": weights["pos_embed.pos_embed"]}
    return {**_outer(weights, SD3_OUTER), **positions, **blocks}


FLUX_OUTER = {
    "time_text_embed.timestep_embedder.linear_1": "time_in.in_layer",
    "time_text_embed.timestep_embedder.linear_2": "time_in.out_layer",
    "time_text_embed.text_embedder.linear_1": "vector_in.in_layer",
    "time_text_embed.text_embedder.linear_2": "vector_in.out_layer",
    "time_text_embed.guidance_embedder.linear_1": "guidance_in.in_layer",
    "time_text_embed.guidance_embedder.linear_2": "guidance_in.out_layer",
    "context_embedder": "txt_in",
    "x_embedder": "img_in",
    "proj_out": "final_layer.linear",
    "norm_out.linear": "final_layer.adaLN_modulation.1",
}
FLUX_DOUBLE = (
    ("norm1.linear", "img_mod.lin"),
    ("norm1_context.linear", "txt_mod.lin"),
    ("attn.norm_q", "img_attn.norm.query_norm"),
    ("attn.norm_k", "img_attn.norm.key_norm"),
    ("attn.norm_added_q", "txt_attn.norm.query_norm"),
    ("attn.norm_added_k", "txt_attn.norm.key_norm"),
    ("attn.to_out.0", "img_attn.proj"),
    ("attn.to_add_out", "txt_attn.proj"),
    ("ff.net.0.proj", "img_mlp.0"),
    ("ff.net.2", "img_mlp.2"),
    ("ff_context.net.0.proj", "txt_mlp.0"),
    ("ff_context.net.2", "txt_mlp.2"),
)
FLUX_DOUBLE_FUSED = (
    ("img_attn.qkv", "attn.to_q attn.to_k attn.to_v"),
    ("txt_attn.qkv", "attn.add_q_proj attn.add_k_proj attn.add_v_proj"),
)
FLUX_SINGLE = (
    ("norm.linear", "modulation.lin"),
    ("proj_out", "linear2"),
    ("attn.norm_q", "norm.query_norm"),
    ("attn.norm_k", "norm.key_norm"),
)
FLUX_SINGLE_FUSED = (("linear1", "attn.to_q attn.to_k attn.to_v proj_mlp"),)


def flux(weights: Weights) -> Weights:
    """Black Forest Labs' names of Flux's transformer."""
    double = _blocks(weights, "double_blocks", "transformer_blocks", FLUX_DOUBLE, FLUX_DOUBLE_FUSED)
    single = _blocks(
        weights, "single_blocks", "single_transformer_blocks", FLUX_SINGLE, FLUX_SINGLE_FUSED
    )
    blocks = {
        re.sub(r"(_norm)\.weight$", r"\1.scale", key): one
        for key, one in {**double, **single}.items()
    }
    return {**_outer(weights, FLUX_OUTER), **blocks}


def z_image(weights: Weights) -> Weights:
    """Z-Image's own names, in which query, key and value are one matrix."""
    named: Weights = {}
    for key, one in weights.items():
        if ".attention.to_k." in key or ".attention.to_v." in key:
            continue
        if ".attention.to_q." in key:
            rows = [weights[key.replace(".to_q.", f".to_{part}.")] for part in "qkv"]
            named[key.replace(".to_q.", ".qkv.")] = torch.cat(rows)
            continue
        for new, old in (
            ("all_final_layer.2-1.", "final_layer."),
            ("all_x_embedder.2-1.", "x_embedder."),
            (".attention.norm_q.", ".attention.q_norm."),
            (".attention.norm_k.", ".attention.k_norm."),
            (".attention.to_out.0.", ".attention.out."),
        ):
            key = key.replace(new, old)
        named[key] = one
    return named


def t5(weights: Weights) -> Weights:
    """T5 as ComfyUI and others keep it: the embedding under one of its two names."""
    return {key: one for key, one in weights.items() if key != "encoder.embed_tokens.weight"}


def qwen(weights: Weights) -> Weights:
    """Qwen3 as it is published: its embedding is its head, too."""
    return {key: one for key, one in weights.items() if key != "lm_head.weight"}

"""What other programs call the layers of diffusers' and transformers' models. Imports no torch.

The names are those of the architectures' own authors: CompVis' and Stability's UNet, Black Forest
Labs' Flux, Stability's SD 3, OpenAI's CLIP. Where they have one matrix for several of diffusers'
layers, an adapter's output is divided among these.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """The layers that an adapter's layer changes, in the order of their outputs.

    With ``swapped`` the output's halves change places: Stability and Black Forest Labs have shift
    and scale of the last normalization the other way round.
    """

    layers: tuple[str, ...]
    swapped: bool = False


def targets(layers: Collection[str]) -> dict[str, Target]:
    """Return the targets by name, with underscores in place of dots, for a model's layers."""
    names: dict[str, Target] = {}
    for layer in layers:
        names[_joined(layer)] = Target((layer,))
    for name, target in _others(frozenset(layers)):
        if all(layer in layers for layer in target.layers):
            names.setdefault(_joined(name), target)
    return names


def _joined(name: str) -> str:
    return name.replace(".", "_")


def _others(layers: frozenset[str]) -> Iterator[tuple[str, Target]]:
    for layer in layers:
        if layer.endswith(".to_out.0"):  # old releases of diffusers
            yield layer.removesuffix(".0"), Target((layer,))
    if any(layer.startswith("down_blocks.") for layer in layers):
        yield from _unet(layers)
    elif any(layer.startswith("single_transformer_blocks.") for layer in layers):
        yield from _flux(layers)
    elif any(layer.endswith(".attn.add_q_proj") for layer in layers):
        yield from _sd3(layers)
    elif any(layer.endswith(".attention.to_q") for layer in layers):
        yield from _z_image(layers)
    elif any(".self_attn.q_proj" in layer for layer in layers):
        yield from _clip(layers)


# --- UNets ---

_RESNET = {
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
_AROUND = {
    "conv_in": "input_blocks.0.0",
    "conv_out": "out.2",
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
}
_BLOCK = re.compile(
    r"(?:(down|up)_blocks\.(\d+)|mid_block)"
    r"\.(resnets|attentions|downsamplers|upsamplers)\.(\d+)\.(.+)"
)


def _unet(layers: frozenset[str]) -> Iterator[tuple[str, Target]]:
    found = {layer: read for layer in layers if (read := _BLOCK.fullmatch(layer))}
    depth: dict[tuple[str, int], int] = {}  # of a level: its residual blocks
    attends = set()
    for read in found.values():
        if read[1] is None:
            continue
        level = (read[1], int(read[2]))
        if read[3] == "resnets":
            depth[level] = max(depth.get(level, 0), int(read[4]) + 1)
        elif read[3] == "attentions":
            attends.add(level)
    for layer, read in found.items():
        yield _unet_name(read, depth, attends), Target((layer,))
    for layer, name in _AROUND.items():
        yield name, Target((layer,))


def _unet_name(
    read: re.Match[str], depth: Mapping[tuple[str, int], int], attends: Collection[tuple[str, int]]
) -> str:
    side, kind, number = read[1], read[3], int(read[4])
    rest = _RESNET.get(read[5], read[5])
    if side is None:
        return f"middle_block.{1 if kind == 'attentions' else 2 * number}.{rest}"
    level = (side, int(read[2]))
    # Each level's blocks follow the last one's; on the way down a step to the next level is one
    # more, on the way up it is part of the last.
    before = sum(depth.get((side, one), 0) + (side == "down") for one in range(level[1]))
    if side == "down":
        place = 1 + before + (depth.get(level, 0) if kind == "downsamplers" else number)
        if kind == "downsamplers":
            return f"input_blocks.{place}.0.op"
        return f"input_blocks.{place}.{int(kind == 'attentions')}.{rest}"
    if kind == "upsamplers":
        part = 2 if level in attends else 1
        return f"output_blocks.{before + depth.get(level, 1) - 1}.{part}.conv"
    return f"output_blocks.{before + number}.{int(kind == 'attentions')}.{rest}"


# --- Transformers: the authors' name, and the layers it stands for. ---

_QKV = ("attn.to_q", "attn.to_k", "attn.to_v")
_ADDED = ("attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj")
_FLUX_DOUBLE = {
    "img_attn.qkv": _QKV,
    "txt_attn.qkv": _ADDED,
    "img_attn.proj": ("attn.to_out.0",),
    "txt_attn.proj": ("attn.to_add_out",),
    "img_mlp.0": ("ff.net.0.proj",),
    "img_mlp.2": ("ff.net.2",),
    "txt_mlp.0": ("ff_context.net.0.proj",),
    "txt_mlp.2": ("ff_context.net.2",),
    "img_mod.lin": ("norm1.linear",),
    "txt_mod.lin": ("norm1_context.linear",),
}
_FLUX_SINGLE = {
    "linear1": (*_QKV, "proj_mlp"),
    "linear2": ("proj_out",),
    "modulation.lin": ("norm.linear",),
}
_FLUX_AROUND = {
    "img_in": "x_embedder",
    "txt_in": "context_embedder",
    "time_in.in_layer": "time_text_embed.timestep_embedder.linear_1",
    "time_in.out_layer": "time_text_embed.timestep_embedder.linear_2",
    "vector_in.in_layer": "time_text_embed.text_embedder.linear_1",
    "vector_in.out_layer": "time_text_embed.text_embedder.linear_2",
    "guidance_in.in_layer": "time_text_embed.guidance_embedder.linear_1",
    "guidance_in.out_layer": "time_text_embed.guidance_embedder.linear_2",
    "final_layer.linear": "proj_out",
}
_LAST_NORM = ("final_layer.adaLN_modulation.1", "norm_out.linear")
_SD3 = {
    "x_block.attn.qkv": _QKV,
    "x_block.attn2.qkv": ("attn2.to_q", "attn2.to_k", "attn2.to_v"),
    "context_block.attn.qkv": _ADDED,
    "x_block.attn.proj": ("attn.to_out.0",),
    "x_block.attn2.proj": ("attn2.to_out.0",),
    "context_block.attn.proj": ("attn.to_add_out",),
    "x_block.mlp.fc1": ("ff.net.0.proj",),
    "x_block.mlp.fc2": ("ff.net.2",),
    "context_block.mlp.fc1": ("ff_context.net.0.proj",),
    "context_block.mlp.fc2": ("ff_context.net.2",),
    "x_block.adaLN_modulation.1": ("norm1.linear",),
    "context_block.adaLN_modulation.1": ("norm1_context.linear",),
}
_SD3_AROUND = {
    "x_embedder.proj": "pos_embed.proj",
    "context_embedder": "context_embedder",
    "t_embedder.mlp.0": "time_text_embed.timestep_embedder.linear_1",
    "t_embedder.mlp.2": "time_text_embed.timestep_embedder.linear_2",
    "y_embedder.mlp.0": "time_text_embed.text_embedder.linear_1",
    "y_embedder.mlp.2": "time_text_embed.text_embedder.linear_2",
    "final_layer.linear": "proj_out",
}


def _numbers(layers: frozenset[str], beginning: str) -> list[int]:
    block = re.compile(rf"{re.escape(beginning)}\.(\d+)\.")
    return sorted({int(read[1]) for layer in layers if (read := block.match(layer))})


def _flux(layers: frozenset[str]) -> Iterator[tuple[str, Target]]:
    kinds = (
        ("double_blocks", "transformer_blocks", _FLUX_DOUBLE),
        ("single_blocks", "single_transformer_blocks", _FLUX_SINGLE),
    )
    for theirs, ours, table in kinds:
        for number in _numbers(layers, ours):
            for name, parts in table.items():
                target = Target(tuple(f"{ours}.{number}.{part}" for part in parts))
                yield f"{theirs}.{number}.{name}", target
    yield from _around(_FLUX_AROUND)


def _sd3(layers: frozenset[str]) -> Iterator[tuple[str, Target]]:
    numbers = _numbers(layers, "transformer_blocks")
    for number in numbers:
        for name, parts in _SD3.items():
            # The last block's text is normalized like the final layer: shift before scale.
            swapped = number == numbers[-1] and parts == ("norm1_context.linear",)
            target = Target(tuple(f"transformer_blocks.{number}.{part}" for part in parts), swapped)
            yield f"joint_blocks.{number}.{name}", target
    yield from _around(_SD3_AROUND)


def _around(table: Mapping[str, str]) -> Iterator[tuple[str, Target]]:
    for name, layer in table.items():
        yield name, Target((layer,))
    yield _LAST_NORM[0], Target((_LAST_NORM[1],), swapped=True)


def _z_image(layers: frozenset[str]) -> Iterator[tuple[str, Target]]:
    for layer in layers:
        if layer.endswith(".attention.to_q"):
            before = layer.removesuffix("to_q")
            yield f"{before}qkv", Target(tuple(f"{before}to_{one}" for one in "qkv"))
            yield f"{before}out", Target((f"{before}to_out.0",))


# --- Text encoders ---

_OLD_CLIP = {"q_proj": "to_q", "k_proj": "to_k", "v_proj": "to_v", "out_proj": "to_out"}


def _clip(layers: frozenset[str]) -> Iterator[tuple[str, Target]]:
    """With and without the outer name, which transformers no longer has for every class."""
    for layer in layers:
        inner = layer.removeprefix("text_model.")
        path, _, last = inner.rpartition(".")
        names = {inner}
        if path.endswith(".self_attn"):
            names.add(f"{path}.{_OLD_CLIP[last]}")
        for name in names:
            yield name, Target((layer,))
            yield f"text_model.{name}", Target((layer,))

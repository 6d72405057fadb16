"""The names of an adapter's tensors, as programs write them. Imports no torch.

A name is a prefix (which model), a path (which layer) and an ending (which factor). kohya's
sd-scripts join the path by underscores, diffusers and PEFT by dots; LyCORIS, OneTrainer, ComfyUI
and old releases of diffusers have prefixes and endings of their own.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeGuard

from generation.loading.safetensors_file import HEADER_LIMIT


class Part(StrEnum):
    """The models of a checkpoint that adapters change, by diffusers' names of text encoders."""

    DENOISER = "denoiser"
    TEXT_ENCODER = "text_encoder"
    TEXT_ENCODER_2 = "text_encoder_2"
    TEXT_ENCODER_3 = "text_encoder_3"


# The first that fits. What has none of them belongs to the denoiser.
_PREFIXES = (
    ("lora_unet_", Part.DENOISER),
    ("lora_transformer_", Part.DENOISER),  # OneTrainer
    ("lora_te1_", Part.TEXT_ENCODER),
    ("lora_te2_", Part.TEXT_ENCODER_2),
    ("lora_te3_", Part.TEXT_ENCODER_3),
    ("lora_te_", Part.TEXT_ENCODER),
    ("lycoris_", Part.DENOISER),  # LyCORIS without kohya's scripts
    ("model.diffusion_model.", Part.DENOISER),
    ("diffusion_model.", Part.DENOISER),  # ComfyUI, ai-toolkit
    ("unet.", Part.DENOISER),
    ("transformer.", Part.DENOISER),
    ("text_encoder_2.", Part.TEXT_ENCODER_2),
    ("text_encoder_3.", Part.TEXT_ENCODER_3),
    ("text_encoder.", Part.TEXT_ENCODER),
    ("text_encoders.clip_l.transformer.", Part.TEXT_ENCODER),
    ("text_encoders.clip_g.transformer.", Part.TEXT_ENCODER_2),
    ("text_encoders.t5xxl.transformer.", Part.TEXT_ENCODER_3),
    ("clip_l.", Part.TEXT_ENCODER),  # OneTrainer
    ("clip_g.", Part.TEXT_ENCODER_2),
    ("t5.", Part.TEXT_ENCODER_3),
)
_WRAPPER = "base_model.model."  # PEFT

_ENDING = re.compile(
    r"(?:"
    r"(?:_lora|\.lora|\.lora_linear_layer)\.(?P<diffusers>up|down)\.weight"
    r"|\.lora_(?P<kohya>up|down|mid)(?:\.weight)?"
    r"|\.lora_(?P<peft>A|B)(?:\.(?!bias\Z)[^.]+)?(?:\.weight)?"
    r"|\.(?P<magnitude>lora_magnitude_vector)(?:\.[^.]+)?"
    r"|\.(?P<plain>alpha|dora_scale|hada_(?:w[12]_[ab]|t[12])|lokr_(?:w[12](?:_[ab])?|t2))"
    r")\Z"
)
_ONLY = "unet"
_PEFT = {"A": "down", "B": "up"}


@dataclass(frozen=True, slots=True)
class Place:
    """A layer as a file names it: the model, and the path with underscores in place of dots."""

    part: Part
    path: str


def parse_key(key: str) -> tuple[Place, str] | None:
    """Return the layer and the factor ("down", "hada_w1_a", …) of a tensor; None if unknown."""
    ending = _ENDING.search(key)
    if ending is None:
        return None
    path = key[: ending.start()].removeprefix(_WRAPPER)
    part = Part.DENOISER
    for prefix, named in _PREFIXES:
        if path.startswith(prefix):
            path, part = path[len(prefix) :], named
            break
    path = path.removeprefix(_WRAPPER).replace(".processor.", ".").replace(".", "_")
    if ending["magnitude"]:
        return Place(part, path), "dora_scale"
    factor = ending["diffusers"] or ending["kohya"] or ending["plain"]
    return Place(part, path), factor or _PEFT[ending["peft"]]


def group_keys(keys: Iterable[str]) -> tuple[dict[Place, dict[str, str]], list[str]]:
    """Return the tensors' names by layer and factor, and those that are unknown."""
    groups: dict[Place, dict[str, str]] = {}
    unknown = []
    for key in keys:
        read = parse_key(key)
        if read is None or read[1] in groups.get(read[0], {}):
            unknown.append(key)
        else:
            groups.setdefault(read[0], {})[read[1]] = key
    return groups, unknown


@dataclass(frozen=True, slots=True)
class PeftScales:
    """What diffusers writes of PEFT's configuration into a file's metadata.

    Without it, and without ``alpha`` in the file, a LoRA's scale is 1.
    """

    alphas: Mapping[Part, float]
    patterns: Mapping[Part, Mapping[str, float]]  # by the end of a layer's path
    rooted: frozenset[Part]  # "rsLoRA": divided by the rank's root

    def scale(self, place: Place, rank: int) -> float:
        """Return what a layer's product is multiplied by."""
        alpha = self.alphas.get(place.part, float(rank))
        for pattern, special in self.patterns.get(place.part, {}).items():
            if place.path == pattern or place.path.endswith(f"_{pattern}"):
                alpha = special
        return alpha / (rank**0.5 if place.part in self.rooted else rank)


def peft_scales(metadata: Mapping[str, str]) -> PeftScales:
    """Read the scales from a file's metadata; anything else there is ignored."""
    alphas: dict[Part, float] = {}
    patterns: dict[Part, dict[str, float]] = {}
    rooted = set()
    texts = [(part.value, part) for part in Part if part is not Part.DENOISER]
    for prefix, named in ((_ONLY, Part.DENOISER), ("transformer", Part.DENOISER), *texts):
        said = _configuration(metadata, prefix)
        if _is_number(alpha := said.get("lora_alpha")):
            alphas[named] = float(alpha)
        if isinstance(pattern := said.get("alpha_pattern"), dict):
            patterns[named] = {
                path.replace(".", "_"): float(value)
                for path, value in pattern.items()
                if _is_number(value)
            }
        if said.get("use_rslora") is True:
            rooted.add(named)
    return PeftScales(alphas, patterns, frozenset(rooted))


def _configuration(metadata: Mapping[str, str], prefix: str) -> dict[str, object]:
    text = metadata.get("lora_adapter_metadata", "")
    if not text or len(text) > HEADER_LIMIT:
        return {}
    try:
        table = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(table, dict):
        return {}
    if prefix == _ONLY and not any(key.startswith(("unet.", "transformer.")) for key in table):
        return table  # saved by the model alone, not by a pipeline
    begin = f"{prefix}."
    return {key[len(begin) :]: value for key, value in table.items() if key.startswith(begin)}


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9

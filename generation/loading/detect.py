"""Tells what a file of weights is, from its header alone. Imports no torch.

Beside the tensors' names and shapes it believes what trainers and other programs write: modelspec
(https://github.com/Stability-AI/ModelSpec), kohya's ``ss_…``, and ComfyUI's marker tensors.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from generation.json_text import loads
from generation.loading.denoisers import with_denoiser, with_measured_prediction
from generation.loading.key_rules import (
    ADAPTED,
    ADAPTERS,
    ALIKE,
    CLIP_WIDTHS,
    CONTEXTS,
    CONTROL,
    EMBEDDING_ROWS,
    EMBEDDINGS,
    ENCODER_WIDTHS,
    FLUX_WIDTH,
    IMAGE_ENCODERS,
    IP_ADAPTER,
    LEAST_WIDTH,
    OTHER_ENCODERS,
    PARTS,
    QUANTIZATIONS,
    SCALED,
    SPOKEN,
    TEXT_ENCODERS,
    TITLES,
    UPSCALERS,
    Tensors,
    family_of,
)
from generation.loading.model_file import UNET_INPAINTS, Kind, ModelFile, Part
from generation.loading.safetensors_file import Header, Tensor, open_header, shown
from generation.loading.steering_files import STEERING, with_steering
from generation.phrases import Phrase

__all__ = ["Kind", "ModelFile", "Part", "checkpoint_problem", "describe", "inspect_file"]

PICKLES = (".bin", ".ckpt", ".pt", ".pth", ".pkl")

# Metadata worth keeping, each cut to a length: a LoRA's can be megabytes of training captions.
KEPT = re.compile(
    r"modelspec\.(?!thumbnail)\w{1,40}"
    r"|ss_(?:base_model_version|v2|v_parameterization|zero_terminal_snr|output_name|sd_model_name)"
    r"|ss_network_(?:module|dim|alpha)"
    r"|sshs_model_hash"
    r"|format|prediction_type|name|description|trigger_words?"
)
TAGS = "ss_tag_frequency"  # of training, which is kept as the most frequent of them
MOST_TAGS = 5
MOST_KEPT = 40
LONGEST_KEPT = 300  # characters

PRECISIONS = {
    "F64": "fp64",
    "F32": "fp32",
    "F16": "fp16",
    "BF16": "bf16",
    "F8_E4M3": "fp8",
    "F8_E5M2": "fp8",
    "I8": "int8",
    "U8": "uint8",
    "F4": "fp4",
}

NAMES = {
    Kind.DIFFUSION_MODEL: Phrase("kind-diffusion-model"),
    Kind.LORA: Phrase("kind-lora"),
    Kind.EMBEDDING: Phrase("kind-embedding"),
    Kind.VAE: Phrase("kind-vae"),
    Kind.CONTROL: Phrase("kind-control"),
    Kind.UPSCALER: Phrase("kind-upscaler"),
    Kind.TEXT_ENCODER: Phrase("kind-text-encoder"),
    Kind.IMAGE_ENCODER: Phrase("kind-image-encoder"),
    Kind.IP_ADAPTER: Phrase("kind-ip-adapter"),
    Kind.CAPTIONER: Phrase("kind-captioner"),
}


def inspect_file(path: Path) -> ModelFile:
    """Return what the file at ``path`` is; raises nothing for a bad one.

    Reads the header only, in bounded time and memory. Links are followed, but not resolved: a link
    into the hub's cache keeps its own name.
    """
    if path.suffix.lower() in PICKLES:
        return ModelFile(
            path=path, problem=Phrase("checkpoint-pickled-file", file=shown(path.name))
        )
    header = open_header(path)
    found = describe(path, header)
    try:
        size = path.stat().st_size
        if header.problem is None:
            found = with_measured_prediction(found, header.tensors)
    except OSError:
        size = 0
    return replace(found, bytes=size)


def checkpoint_problem(file: ModelFile, drawn: tuple[str, ...]) -> Phrase | None:
    """Return why a file cannot be drawn with, None if it can: damaged, a LoRA, another family.

    ``drawn`` are the families that are drawn.
    """
    name = shown(file.path.name)
    if file.problem is not None:
        return file.problem
    if file.kind in NAMES and file.kind is not Kind.DIFFUSION_MODEL:
        return Phrase("checkpoint-kind", file=name, what=NAMES[file.kind])
    if file.family is None:
        return Phrase("checkpoint-unknown", file=name)
    if file.family not in drawn:
        title = TITLES.get(file.family, file.family)
        return Phrase("checkpoint-not-drawn", file=name, family=title)
    if file.inpaints and file.in_channels != UNET_INPAINTS:
        title = TITLES.get(file.family, file.family)
        return Phrase("checkpoint-inpaints", file=name, family=title)
    if file.edits:
        return Phrase("checkpoint-edits", file=name, channels=file.in_channels or 0)
    if file.quantization not in (None, SCALED):
        return Phrase("checkpoint-quantized", file=name, found=file.quantization or "")
    return None


def describe(path: Path, header: Header) -> ModelFile:
    """Return what a file with this header is, all but its length in bytes."""
    tensors = header.tensors
    said = _kept(header.metadata)
    parts = _parts(tensors)
    kind = _kind(tensors, parts)
    if parts.keys() == {Part.OTHER}:
        parts = {_part_alone(tensors, kind): parts[Part.OTHER]}
    file = ModelFile(
        path=path,
        kind=kind,
        parts=parts,
        precisions=_precisions(tensors),
        quantization=_quantization(tensors),
        title=said.get("modelspec.title") or shown(path.stem),
        metadata=said,
        problem=header.problem,
    )
    if kind is Kind.LORA:
        family = _adapter_family(tensors, said)
        return replace(file, family=family, algorithm=_algorithm(tensors))
    if kind is Kind.EMBEDDING:
        return replace(file, family=_embedding_family(tensors) or _said_family(said))
    if kind in STEERING:
        return with_steering(file, tensors, _said_family(said))
    if kind in (Kind.CHECKPOINT, Kind.DIFFUSION_MODEL):
        return with_denoiser(file, tensors)
    if kind is Kind.VAE:
        return replace(file, in_channels=_latent_channels(tensors))
    return file


def _latent_channels(tensors: Tensors) -> int | None:
    """Return how many channels the latents of a VAE have."""
    names = (name for name in tensors if name.endswith("decoder.conv_in.weight"))
    shape = next((tensors[name].shape for name in names), ())
    return shape[1] if len(shape) == 4 else None


def _parts(tensors: Tensors) -> dict[Part, int]:
    """Return the parameters of each part by its prefix; those without one are OTHER."""
    counts: Counter[Part] = Counter()
    for key, tensor in tensors.items():
        found = PARTS.match(key)
        counts[Part[found.lastgroup or "OTHER"] if found else Part.OTHER] += tensor.values
    return {part: count for part, count in counts.items() if count}


def _kind(tensors: Tensors, parts: Mapping[Part, int]) -> Kind:
    if any(key.startswith(IP_ADAPTER) for key in tensors):  # some have LoRAs beside them
        return Kind.IP_ADAPTER
    if _algorithm(tensors):
        return Kind.LORA
    if any(key.startswith(CONTROL) for key in tensors):
        return Kind.CONTROL
    others = parts.keys() - {Part.DENOISER, Part.EMA, Part.OTHER}
    if Part.DENOISER in parts:
        return Kind.CHECKPOINT if others else Kind.DIFFUSION_MODEL
    if others == {Part.VAE}:
        return Kind.VAE
    if others:
        return Kind.TEXT_ENCODER
    return _kind_alone(tensors)


def _kind_alone(tensors: Tensors) -> Kind:
    """Return the kind of a file with one part, whose names have no prefix."""
    if family_of(tensors, ""):
        return Kind.DIFFUSION_MODEL
    if "decoder.conv_in.weight" in tensors:
        return Kind.VAE
    if any(name in tensors for name in TEXT_ENCODERS):
        return Kind.TEXT_ENCODER
    if any(key.startswith(IMAGE_ENCODERS) for key in tensors):
        return Kind.IMAGE_ENCODER
    if any(map(UPSCALERS.match, tensors)):
        return Kind.UPSCALER
    if 0 < len(tensors) <= 4 and any(map(EMBEDDINGS.fullmatch, tensors)):
        return Kind.EMBEDDING
    if len(tensors) == 1 and _is_embedding(next(iter(tensors.values()))):
        return Kind.EMBEDDING
    return Kind.UNKNOWN


def _part_alone(tensors: Tensors, kind: Kind) -> Part:
    """Return which part a file holds whose names have no prefix."""
    if kind is Kind.TEXT_ENCODER:
        name, encoder = next(one for one in TEXT_ENCODERS.items() if one[0] in tensors)
        if encoder is not None:
            width = tensors[name].width
            other = width >= LEAST_WIDTH and width != ENCODER_WIDTHS[encoder]
            foreign = any(one in tensors for one in OTHER_ENCODERS)
            return Part.OTHER if other or foreign else Part[encoder]
        return Part[CLIP_WIDTHS.get(tensors[name].width, "OTHER")]
    alone = {Kind.DIFFUSION_MODEL: Part.DENOISER, Kind.VAE: Part.VAE}
    return alone.get(kind, Part.OTHER)


def _is_embedding(tensor: Tensor) -> bool:
    """Diffusers saves an embedding under its own name: vectors as wide as a text encoder's."""
    rows, width = (1, *tensor.shape)[-2:] if tensor.shape else (0, 0)
    return len(tensor.shape) <= 2 and rows <= EMBEDDING_ROWS and width in CLIP_WIDTHS


def _algorithm(tensors: Tensors) -> str | None:
    """Return how an adapter is factored, None for what is none."""
    names = "\n".join(tensors)
    for name, pattern in ADAPTERS.items():
        if pattern.among(names):
            if name == "lora" and any(len(one.shape) == 4 for one in tensors.values()):
                return "locon"  # of convolutions too
            return name
    return None


def _adapter_family(tensors: Tensors, said: Mapping[str, str]) -> str | None:
    told = _said_family(said)
    for family, named in ADAPTED:
        if adapted := [one for name, one in tensors.items() if named(name)]:
            if family == "sd3" and any(one.width == FLUX_WIDTH for one in adapted):
                family = "flux"  # of whose blocks only the double ones are adapted
            return told if told in ALIKE.get(family, ()) else family
    for key, tensor in tensors.items():
        # The cross attention's keys read the text; kohya's and diffusers' names for its lower half.
        if "attn2" in key and re.search(r"to_k\.(?:lora_(?:down|A)\b|lora\.down)", key):
            return CONTEXTS.get(tensor.width)
    return told


def _embedding_family(tensors: Tensors) -> str | None:
    if tensors.keys() >= {"clip_l", "clip_g"}:
        return "sdxl"
    widths = {tensor.width for tensor in tensors.values()}
    return next((CONTEXTS[width] for width in widths if width in CONTEXTS), None)


def _said_family(said: Mapping[str, str]) -> str | None:
    """Return the family that a trainer wrote into the metadata."""
    text = (
        f"{said.get('modelspec.architecture', '')} {said.get('ss_base_model_version', '')}".lower()
    )
    found = next((family for part, family in SPOKEN.items() if part in text), None)
    return "sd2" if found == "sd1" and said.get("ss_v2") == "True" else found


def _precisions(tensors: Tensors) -> dict[str, int]:
    """Return the parameters by precision; markers and schedules are not counted."""
    counts: Counter[str] = Counter()
    for key, tensor in tensors.items():
        if "." in key:
            counts[PRECISIONS.get(tensor.dtype, tensor.dtype.lower())] += tensor.values
    return {name: count for name, count in counts.items() if count}


def _quantization(tensors: Tensors) -> str | None:
    names = "\n".join(tensors)
    found = [name for name, pattern in QUANTIZATIONS.items() if pattern.among(names)]
    kinds = {tensor.dtype for key, tensor in tensors.items() if key.endswith(".weight")}
    if kinds & {"U8", "I8", "F4"} and (not found or found == [SCALED]):
        return "int8" if "I8" in kinds else "fp4"
    return found[-1] if found else None


def _kept(metadata: Mapping[str, str]) -> dict[str, str]:
    """Return what is worth keeping, without line breaks and at a bounded length."""
    kept: dict[str, str] = {}
    for key, text in metadata.items():
        if len(kept) < MOST_KEPT and KEPT.fullmatch(key):
            kept[key] = _line(text)
    if tags := _frequent(metadata.get(TAGS, "")):
        kept[TAGS] = _line(", ".join(tags))
    return kept


def _line(text: str) -> str:
    return shown(" ".join(text[: 2 * LONGEST_KEPT].split()))[:LONGEST_KEPT]


def _frequent(text: str) -> list[str]:
    """Return the tags that a LoRA was trained with at least half as often as with the first.

    kohya's trainer writes how often each stood in each folder of pictures.
    """
    counts: Counter[str] = Counter()
    try:
        folders = loads(text).values() if text else ()
        for folder in folders:
            for tag, count in folder.items():
                counts[" ".join(tag.split())] += int(count)
    except (ValueError, TypeError, AttributeError, OverflowError):
        return []
    del counts[""]
    first = counts.most_common(MOST_TAGS)
    return [tag for tag, count in first if count > 0 and 2 * count >= first[0][1]]

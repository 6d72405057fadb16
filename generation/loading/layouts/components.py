"""Makes a family's models from files: whole checkpoints, or a part each.

A file's tensors are read one by one and brought to the type to compute in, so that no second copy
of all of them is in memory; values that are packed as scaled fp8 are unpacked.
"""

import logging
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

import diffusers
import torch
import transformers
from accelerate import init_empty_weights
from safetensors import safe_open
from torch import nn

from generation.json_text import loads
from generation.loading.key_rules import PARTS
from generation.loading.layouts.composition import COMPONENTS, shipped_config
from generation.loading.layouts.conversion import Weights, convert
from generation.loading.layouts.fitting import Config, Shapes, fit, fit_size_ids
from generation.loading.model_file import Part
from generation.loading.safetensors_file import Tensor, open_header, read_header
from generation.phrases import Phrase

Done = TypeVar("Done")

log = logging.getLogger(__name__)

# A part's tensors by their names in it, without a checkpoint's prefix: the names in the file.
Names = dict[str, str]

# Beside a matrix of fp8: what its values are multiplied by; and what speeds up products of it.
SCALES = (".scale_weight", ".weight_scale")
UNUSED = (".scale_input", ".input_scale", ".comfy_quant")
# What models make themselves or never use.
IDLE = ("position_ids", "logit_scale", "attn_mask", "scaled_fp8", "norm_final.weight")


def load_models(
    family: str, files: Mapping[Part, Path], dtype: torch.dtype, configs: Path | None = None
) -> dict[str, nn.Module]:
    """Return what `load_gradually` does, at once."""
    return finish(load_gradually(family, files, dtype, configs))


def load_gradually(
    family: str, files: Mapping[Part, Path], dtype: torch.dtype, configs: Path | None = None
) -> Generator[int, None, dict[str, nn.Module]]:
    """Return a family's models by diffusers' names, on the CPU; parts without a file have none.

    Yields how many values have been read after each tensor. ``files`` say where each part is;
    ``configs`` is a diffusers folder that says how they are built, instead of the family's own
    configurations. Raises ValueError, saying what does not fit, or SafetensorError.
    """
    headers = {file: open_header(file).tensors for file in set(files.values())}
    named = {part: names_of_part(headers[file], part) for part, file in files.items()}
    shapes = {
        part: {name: headers[files[part]][key].shape for name, key in names.items()}
        for part, names in named.items()
    }
    models, done = {}, 0
    for name, config in component_configs(family, shapes, configs).items():
        part = COMPONENTS[family][name]
        model = empty_model(config)
        # T5 overflows in fp16, and transformers keeps the module that does so in fp32.
        kept = getattr(model, "_keep_in_fp32_modules", None) if dtype == torch.float16 else None
        weights: Weights = {}
        for key, tensor in _read(files[part], named[part], dtype, frozenset(kept or ())):
            weights[key] = tensor
            done += tensor.numel()
            yield done
        fill(model, config, weights, files[part].name)
        models[name] = model
    return models


def finish(work: Generator[object, None, Done]) -> Done:
    """Run gradual work to its end and return what it made."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


def component_configs(
    family: str, parts: Mapping[Part, Shapes], configs: Path | None = None
) -> dict[str, Config]:
    """Return the configurations of the models whose ``parts`` there are, by diffusers' names.

    Raises ValueError if a part is not what its family's is.
    """
    built = {}
    for name, part in COMPONENTS[family].items():
        if part not in parts:
            continue
        if configs is not None:
            built[name] = loads((configs / name / "config.json").read_text("utf-8"))
            continue
        try:
            built[name] = fit(shipped_config(family, name), parts[part])
        except (KeyError, IndexError, StopIteration, ZeroDivisionError, ValueError) as error:
            lost = str(error.args[0]) if error.args else name
            raise ValueError(Phrase("checkpoint-part-lacks", part=str(part), name=lost)) from error
    if configs is None and family == "sdxl" and built.keys() >= {"unet", "text_encoder_2"}:
        built["unet"] = fit_size_ids(built["unet"], built["text_encoder_2"]["projection_dim"])
    return built


def read_weights(file: Path, names: Names, dtype: torch.dtype) -> Weights:
    """Return weights by name, of a file that has them under others; raises SafetensorError."""
    return dict(_read(file, names, dtype, frozenset()))


def names_of_part(tensors: Mapping[str, Tensor], wanted: Part) -> Names:
    """Return a part's tensors in a file; all of them if no name has a checkpoint's prefix."""
    named: Names = {}
    prefixed = False
    for key in tensors:
        match = PARTS.match(key)
        prefixed |= match is not None
        if match and Part[match.lastgroup or "OTHER"] is wanted:
            named[_without_wrapper(key[match.end() :])] = key
    return named if prefixed else {_without_wrapper(key): key for key in tensors}


def tensors_of_part(name: str, file: Path, part: Part) -> list[Tensor]:
    """Return what a part loads of a file; raises CheckpointUnavailable for a damaged one."""
    tensors = read_header(name, file)
    return [tensors[key] for key in _kept(names_of_part(tensors, part)).values()]


def empty_model(config: Config) -> nn.Module:
    """Return the model of a configuration, without memory for its weights."""
    with init_empty_weights():
        if "_class_name" in config:
            return getattr(diffusers, config["_class_name"]).from_config(config)
        kind = getattr(transformers, config["architectures"][0])
        return kind(kind.config_class(**config))


def fill(model: nn.Module, config: Config, weights: Weights, file: str) -> None:
    """Give a model its weights, in whichever layout; raises ValueError if they are not its own.

    What the model does not have is left out, and counted in the log.
    """
    try:
        converted = convert(model, config, weights)
    except KeyError as error:
        lost = str(error.args[0])
        raise ValueError(Phrase("checkpoint-lacks-weights", count=1, first=lost)) from error
    wanted = model.state_dict()
    for key, tensor in converted.items():
        if key in wanted and wanted[key].shape != tensor.shape:
            raise ValueError(
                Phrase(
                    "checkpoint-shape",
                    name=key,
                    found=_sized(tensor),
                    wanted=_sized(wanted[key]),
                )
            )
    extra = [key for key in converted if key not in wanted and not key.endswith(IDLE)]
    if extra:
        log.info("%s: %d tensors are not used, such as %s", file, len(extra), extra[0])
    kept = {key: tensor for key, tensor in converted.items() if key in wanted}
    model.load_state_dict(kept, strict=False, assign=True)
    if isinstance(model, transformers.PreTrainedModel):
        model.tie_weights()
    empty = [key for key, value in model.named_parameters() if value.is_meta and key not in kept]
    if empty:
        raise ValueError(Phrase("checkpoint-lacks-weights", count=len(empty), first=empty[0]))
    model.requires_grad_(requires_grad=False).eval()


def meta_weights(tensors: Mapping[str, Tensor], names: Names) -> Weights:
    """Return a part's weights by their header only, on the meta device."""
    return {
        name: torch.empty(tensors[key].shape, device="meta") for name, key in _kept(names).items()
    }


def _without_wrapper(name: str) -> str:
    """Remove transformers' or ComfyUI's module around an encoder; OpenCLIP's own has blocks."""
    if name.startswith("transformer.resblocks."):
        return name
    return name.removeprefix("transformer.")


def _kept(names: Names) -> Names:
    return {
        name: key
        for name, key in names.items()
        if not name.endswith((*SCALES, *UNUSED, "scaled_fp8"))
    }


def _read(
    file: Path, names: Names, dtype: torch.dtype, exact: frozenset[str]
) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield a part's weights in ``dtype``, in memory of their own: the file may be replaced.

    Modules in ``exact`` are fp32 instead.
    """
    with safe_open(file, framework="pt", device="cpu") as opened:
        for name, key in _kept(names).items():
            tensor = opened.get_tensor(key)
            stem = name.removesuffix(".weight")
            scale = next((names[stem + one] for one in SCALES if stem + one in names), None)
            wanted = torch.float32 if exact.intersection(name.split(".")) else dtype
            if scale is not None and name.endswith(".weight"):
                tensor = _scaled(tensor, opened.get_tensor(scale), name)
            yield name, tensor.to(wanted, copy=True)


def _scaled(tensor: torch.Tensor, scale: torch.Tensor, name: str) -> torch.Tensor:
    """Multiply values by their factor, one for all or one for each row."""
    factors = scale.float().flatten()
    if len(factors) not in (1, len(tensor)):
        raise ValueError(Phrase("checkpoint-scale", name=name, count=len(factors)))
    return tensor.float() * (factors if len(factors) == 1 else factors[:, None])


def _sized(tensor: torch.Tensor) -> str:
    return "×".join(map(str, tensor.shape)) or "1"

"""What a checkpoint is drawn with unless its owner says otherwise, told from its files.

Imports no torch.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from generation.architectures import ARCHITECTURES
from generation.loading.detect import ModelFile, Part, inspect_file
from generation.loading.single_file import described_in
from generation.request import Sampler

# Families as files tell them, and the architecture of each.
_ARCHITECTURES = {name.replace("-", "_"): name for name in ARCHITECTURES}
DRAWN = tuple(_ARCHITECTURES)
SD3_MEDIUM = 4_000_000_000  # parameters at most; Large's denoiser has 8.1 thousand million

# What distilled models are asked for, by their makers' model cards; those without classifier-free
# guidance take guidance 1. A number of steps in the name counts more.
# Their timesteps are spaced from the end, where noise is; LCM and TCD have them there anyway.
_FROM_NOISE = {"timestep_spacing": "trailing"}
_FEW: Mapping[str, Any] = {"guidance_scale": 1.0, **_FROM_NOISE}
DISTILLED: Mapping[str, Mapping[str, Any]] = {
    "lcm": {"lcm": True, "sampler": Sampler.LCM, "num_inference_steps": 6, **_FEW},
    "dmd2": {"lcm": True, "sampler": Sampler.LCM, "num_inference_steps": 4, **_FEW},
    "turbo": {"sampler": Sampler.EULER_A, "num_inference_steps": 4, **_FEW},
    "lightning": {"sampler": Sampler.EULER, "num_inference_steps": 6, **_FEW},
    "hyper": {"lcm": True, "sampler": Sampler.DDIM, "num_inference_steps": 8, **_FEW},
}
# Those of flow matching, by family: Stability AI's model card of SD 3.5 Large Turbo.
DISTILLED_FLOWS: Mapping[tuple[str, str], Mapping[str, Any]] = {
    ("sd3-large", "turbo"): {"num_inference_steps": 4, "guidance_scale": 1.0}
}
_STEPS = re.compile(r"(?<![0-9])([1-9][0-9]?)[ _-]?steps?(?![a-z])", re.IGNORECASE)


def settings_in(file: ModelFile) -> dict[str, Any]:
    """Return what a file's header and name say about drawing with it; its family says the rest."""
    family = _ARCHITECTURES[file.family or ""]
    if file.family == "flux" and file.distillation == "schnell":
        family = _ARCHITECTURES.get("flux_schnell", family)
    if file.family == "sd3" and file.parts.get(Part.DENOISER, 0) > SD3_MEDIUM:
        family = _ARCHITECTURES.get("sd3_large", family)
    settings: dict[str, Any] = {"family": family}
    if file.prediction_type in ARCHITECTURES[family].prediction_types:
        settings["prediction_type"] = file.prediction_type
    if file.zero_snr:
        settings |= {"zero_terminal_snr": True, **_FROM_NOISE}
    distilled = DISTILLED.get(file.distillation or "", {})
    if ARCHITECTURES[family].flow_matching and "lcm" not in distilled:
        distilled = DISTILLED_FLOWS.get((family, file.distillation or ""), {})
    if distilled:
        settings |= distilled
        if steps := _STEPS.search(file.path.stem):
            settings["num_inference_steps"] = int(steps[1])
    return settings


def settings_of_source(source: Path) -> dict[str, Any]:
    """Return what a file or folder says about drawing with it; nothing for what is unknown."""
    if source.is_dir():
        described = described_in(source)
        return {} if described is None else {"family": described.name}
    file = inspect_file(source)
    return settings_in(file) if file.family in _ARCHITECTURES else {}

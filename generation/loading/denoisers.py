"""What can be told of a diffusion model from its tensors and its name. Imports no torch."""

import math
import re
import struct
from dataclasses import replace

from generation.loading.key_rules import DENOISER, Tensors, family_of
from generation.loading.model_file import ModelFile
from generation.loading.safetensors_file import Tensor

GUIDED = (
    "guidance_in.in_layer.weight",
    "time_text_embed.guidance_embedder.linear_1.weight",
    "time_embed.cond_proj.weight",
    "time_embedding.cond_proj.weight",
)
INPUTS = (
    "input_blocks.0.0.weight",
    "conv_in.weight",
    "x_embedder.proj.weight",
    "pos_embed.proj.weight",
)
PACKED = ("img_in.weight", "x_embedder.weight")  # cells of 2×2 in a row
FLOWS = frozenset(
    ("auraflow", "chroma", "flux", "flux2", "flux3", "hidream", "hunyuan_video", "krea2")
).union(("lumina2", "omnigen2", "qwen_image", "sana", "sd3", "wan", "z_image"))
SAID = {"epsilon": "epsilon", "eps": "epsilon", "v": "v_prediction", "v_prediction": "v_prediction"}
V_WORDS = re.compile(r"(?<!\bno )(?<!\bnon )(?<!\bnot )\bv ?pred(?:iction)?\b")
V_SPREAD = 0.09  # as ComfyUI has it in supported_models.py
V_BIAS = f"{DENOISER}output_blocks.11.1.transformer_blocks.0.norm1.bias"
STORED = {"F16": "e", "F32": "f", "F64": "d", "BF16": "f"}  # for `struct`
MOST_READ = 2**16  # bytes of that bias, which has 320 values
# A word of a name that says how a model was distilled. "Hyper" is also how people praise realism,
# so that it counts only before what Hyper-SD's names go on with.
DISTILLED = {
    "dmd2": re.compile(r"\bdmd ?2?\b"),
    "lcm": re.compile(r"\blcm\b"),
    "lightning": re.compile(r"\blightning\b"),
    "hyper": re.compile(r"\bhyper(?=$| (?:sd\d*|sdxl|xl|vae|flux|unet|lora|\d+ ?steps?|v?\d)\b)"),
    "turbo": re.compile(r"\bturbo\b"),
    "schnell": re.compile(r"\bschnell\b"),
}


def with_denoiser(file: ModelFile, tensors: Tensors) -> ModelFile:
    """Return the file with what its denoiser tells: family, prediction, channels, distillation."""
    prefix = DENOISER if any(key.startswith(DENOISER) for key in tensors) else ""
    family = family_of(tensors, prefix)
    return replace(
        file,
        family=family,
        prediction_type=_prediction(file, family, tensors),
        zero_snr="ztsnr" in tensors or file.metadata.get("ss_zero_terminal_snr") == "True",
        in_channels=_in_channels(tensors, prefix),
        guidance_embedded=any(prefix + name in tensors for name in GUIDED),
        distillation=_distillation(file, family, tensors, prefix),
    )


def with_measured_prediction(file: ModelFile, tensors: Tensors) -> ModelFile:
    """Return the file with what SD 2 predicts, told by the spread of one bias, as ComfyUI does.

    Nothing else tells it of most files. None remains where that bias is all one value.
    """
    found = tensors.get(V_BIAS)
    if file.family != "sd2" or file.prediction_type or found is None or found.dtype not in STORED:
        return file
    with file.path.open("rb") as opened:
        opened.seek(found.start)
        values = _numbers(found, opened.read(min(found.bytes, MOST_READ)))
    if len(values) < 2 or not all(map(math.isfinite, values)):
        return file
    mean = math.fsum(values) / len(values)
    spread = math.sqrt(math.fsum((one - mean) ** 2 for one in values) / len(values))
    if not spread:
        return file
    # Inpainting models of SD 2 were all trained on noise.
    is_v = spread > V_SPREAD and not file.inpaints
    return replace(file, prediction_type="v_prediction" if is_v else "epsilon")


def words(text: str) -> str:
    """Return a name's words in lower case, with spaces between: "noobaiXL_vPred10" too."""
    text = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])", " ", text)
    text = re.sub(r"(?<=[A-Z])(?=[A-Z][a-z])", " ", text)
    return re.sub(r"[\W_]+", " ", text).strip().lower()


def named_distillation(*names: str) -> str | None:
    """Return how a model was distilled, where its names are sure to say so."""
    said = " . ".join(map(words, names))
    return next((name for name, pattern in DISTILLED.items() if pattern.search(said)), None)


def _numbers(tensor: Tensor, data: bytes) -> list[float]:
    kind = STORED[tensor.dtype]
    if tensor.dtype == "BF16":  # the upper half of an fp32
        data = b"".join(b"\0\0" + data[at : at + 2] for at in range(0, len(data) - 1, 2))
    size = struct.calcsize(kind)
    return list(struct.unpack(f"<{len(data) // size}{kind}", data[: len(data) // size * size]))


def _in_channels(tensors: Tensors, prefix: str) -> int | None:
    for name in INPUTS:
        if (found := tensors.get(prefix + name)) and len(found.shape) == 4:
            return found.shape[1]
    for name in PACKED:
        if (found := tensors.get(prefix + name)) and len(found.shape) == 2:
            return found.shape[1] // 4
    return None


def _prediction(file: ModelFile, family: str | None, tensors: Tensors) -> str | None:
    """Return what is predicted, if the file tells: by a marker, its metadata, or its name."""
    if family in FLOWS:
        return "flow"
    if family in ("playground", "cosxl"):
        return "edm"
    if "v_pred" in tensors:
        return "v_prediction"
    for key in ("modelspec.predict_key", "modelspec.prediction_type", "prediction_type"):
        if said := SAID.get(file.metadata.get(key, "").lower()):
            return said
    trained_for_v = file.metadata.get("ss_v_parameterization") == "True"
    if trained_for_v or file.metadata.get("modelspec.architecture", "").endswith("-768-v"):
        return "v_prediction"
    if V_WORDS.search(words(file.path.stem)):
        return "v_prediction"
    # Those of SDXL that predict v say so; SD 2 was trained either way, and rarely says.
    return "epsilon" if family in ("sd1", "sdxl") else None


def _distillation(file: ModelFile, family: str | None, tensors: Tensors, prefix: str) -> str | None:
    if prefix + "time_embed.cond_proj.weight" in tensors:
        return "lcm"
    if prefix + "time_embedding.cond_proj.weight" in tensors:
        return "lcm"
    named = named_distillation(file.path.stem, file.title)
    if family == "flux" and prefix + "guidance_in.in_layer.weight" not in tensors and not named:
        # Schnell alone takes no guidance; in diffusers' names it says so by the lack of another.
        embedded = "time_text_embed.guidance_embedder.linear_1.weight"
        return None if prefix + embedded in tensors else "schnell"
    return named

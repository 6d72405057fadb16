"""Full-size models without memory for their weights, in every family's usual layout."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import torch

from generation.loading.layouts.components import empty_model
from generation.loading.layouts.composition import COMPONENTS, shipped_config
from tests.generation.loading import layouts
from tests.generation.loading.layouts import Weights

SD35_MEDIUM = {
    "qk_norm": "rms_norm",
    "pos_embed_max_size": 384,
    "dual_attention_layers": list(range(13)),
}
SD35_LARGE = {
    "qk_norm": "rms_norm",
    "num_layers": 38,
    "num_attention_heads": 38,
    "caption_projection_dim": 2432,
}
# The families, and sizes of theirs that differ from the configuration that comes with us.
SIZES: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "sd1": ("sd1", {}),
    "sd2": ("sd2", {}),
    "sdxl": ("sdxl", {}),
    "sd3": ("sd3", {}),
    "sd35_medium": ("sd3", SD35_MEDIUM),
    "sd35_large": ("sd3", SD35_LARGE),
    "flux_dev": ("flux", {}),
    "flux_schnell": ("flux", {"guidance_embeds": False}),
    "z_image": ("z_image", {}),
}


def full_config(size: str, name: str) -> dict[str, Any]:
    family, changes = SIZES[size]
    config = shipped_config(family, name)
    return {**config, **changes} if name in ("unet", "transformer") else config


@cache
def full_models(size: str) -> dict[str, Weights]:
    """Return every model's weights in fp16, on the meta device."""
    family, _ = SIZES[size]
    with torch.device("meta"):
        return {
            name: {
                key: torch.empty(one.shape, dtype=torch.float16)
                for key, one in empty_model(full_config(size, name)).state_dict().items()
            }
            for name in COMPONENTS[family]
        }


@cache
def full_file(size: str) -> Weights:
    """Return a whole checkpoint's weights as people share it, on the meta device."""
    return layouts.whole(SIZES[size][0], full_models(size))

"""LoRAs whose headers name their family, on every checkpoint of that family."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from generation.architectures import Sampler
from generation.catalog import Catalog
from generation.catalog.adapters import Adapter
from generation.engine.engine import Engine
from generation.loading.detect import inspect_file
from generation.prompts.adapters import AdapterUse
from tests.generation.conftest import CPU, PLAIN, MakeRequest, pixels, run
from tests.generation.families.conftest import CHECKPOINTS, DEV, SCHNELL, SD3, SD3_LARGE, Z_IMAGE

# Where a LoRA changes something, and what its trainer writes into the file.
SAID = {
    SD3: ("transformer_blocks.0.attn.to_q", "stable-diffusion-3-medium/lora"),
    SD3_LARGE: ("transformer_blocks.0.attn.to_q", "stable-diffusion-3-medium/lora"),
    DEV: ("transformer_blocks.0.attn.to_q", "flux-1-dev/lora"),
    SCHNELL: ("transformer_blocks.0.attn.to_q", "flux-1-dev/lora"),
    Z_IMAGE: ("layers.0.attention.to_q", "z-image/lora"),
}


@pytest.mark.parametrize("name", SAID)
def test_a_lora_fits_every_checkpoint_of_its_family(
    flow_catalog: Catalog, tmp_path: Path, make_request: MakeRequest, name: str
):
    layer, said = SAID[name]
    checkpoint = flow_catalog.checkpoints[name]
    assert isinstance(checkpoint.source, Path)
    shape = _shape(checkpoint.source, f"{layer}.weight")
    torch.manual_seed(0)
    tensors = {
        f"transformer.{layer}.lora_A.weight": torch.randn(4, shape[1]),
        f"transformer.{layer}.lora_B.weight": torch.randn(shape[0], 4),
    }
    file = tmp_path / "lora.safetensors"
    save_file(tensors, file, {"modelspec.architecture": said})
    adapter = Adapter(name="Ink", path=file, family=inspect_file(file).family)
    assert adapter.family is not None
    engine = Engine(
        Catalog({name: checkpoint}, name, adapters={"Ink": adapter}), CPU, options=PLAIN
    )
    ask: dict[str, object] = {
        "checkpoint": name,
        "family": CHECKPOINTS[name][0],
        "num_inference_steps": 2,
    }
    ask["sampler"] = Sampler.EULER
    plain, drawn = (
        pixels(run(engine, make_request(**ask, adapters=uses)))
        for uses in ((), (AdapterUse("Ink"),))
    )
    assert not np.array_equal(plain, drawn)


def _shape(folder: Path, name: str) -> torch.Size:

    (file,) = (folder / "transformer").glob("*.safetensors")
    with safe_open(file, "pt") as opened:
        return opened.get_tensor(name).shape

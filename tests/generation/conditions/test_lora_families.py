"""Which family a LoRA is for, where several have layers of the same names."""

from pathlib import Path

import pytest

from generation.loading.detect import Kind, inspect_file
from tests.generation.loading.test_detect import write

FILES = {
    "LoRA of Flux's double blocks": (
        {"transformer.transformer_blocks.0.attn.add_k_proj.lora_A.weight": (16, 3072)},
        (Kind.LORA, "flux", "lora"),
    ),
    "LoRA of Flux and its second encoder": (
        {
            "lora_te2_encoder_block_0_layer_0.lora_down.weight": (4, 4096),
            "lora_transformer_single_transformer_blocks_0_attn_to_q.lora_down.weight": (4, 3072),
        },
        (Kind.LORA, "flux", "lora"),
    ),
    "LoRA of SD 3 and its encoders": (
        {
            "text_encoder_2.text_model.encoder.layers.0.mlp.fc1.lora_A.weight": (4, 1280),
            "transformer.transformer_blocks.0.attn.add_k_proj.lora_A.weight": (4, 1536),
        },
        (Kind.LORA, "sd3", "lora"),
    ),
    "LoRA of XLabs": (
        {"double_blocks.0.processor.qkv_lora1.down.weight": (16, 3072)},
        (Kind.LORA, "flux", "lora"),
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_one_name_in_it_tells_less_than_all(tmp_path: Path, name: str):
    shapes, expected = FILES[name]
    file = inspect_file(write(tmp_path, shapes))
    assert (file.kind, file.family, file.algorithm) == expected


@pytest.mark.parametrize("family", ["chroma", "hunyuan-video", "flux-2-dev", "flux-1-dev"])
def test_names_of_layers_that_several_families_have_leave_the_word_to_the_trainer(
    tmp_path: Path, family: str
):
    shapes = {"diffusion_model.single_blocks.0.linear1.lora_A.weight": (16, 3072)}
    path = write(tmp_path, shapes, **{"modelspec.architecture": f"{family}/lora"})
    expected = {"hunyuan-video": "hunyuan_video", "flux-2-dev": "flux2", "flux-1-dev": "flux"}
    assert inspect_file(path).family == expected.get(family, family)

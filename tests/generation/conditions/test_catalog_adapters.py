"""What is known of LoRAs by their names and metadata."""

from pathlib import Path

import pytest

from generation.architectures import Sampler
from generation.catalog.adapters import (
    Adapter,
    Distillation,
    adapters_of,
    distillation,
    find_adapter,
)
from generation.errors import AdapterUnavailable
from generation.loading.model_file import Kind, ModelFile

LCM = Distillation(Sampler.LCM, 8, 1.0)


@pytest.mark.parametrize(
    ("name", "metadata", "settings"),
    [
        ("lcm-lora-sdv1-5", {}, LCM),
        ("pytorch_lora_weights", {"modelspec.title": "LCM_SDXL"}, LCM),
        ("sdxl_lightning_8step_lora", {}, Distillation(Sampler.EULER, 8, 1.0, "trailing")),
        ("SDXL-Lightning 4 steps", {}, Distillation(Sampler.EULER, 4, 1.0, "trailing")),
        ("Hyper-SDXL-2steps-lora", {}, Distillation(Sampler.DDIM, 2, 1.0, "trailing")),
        ("Hyper-SD15-12steps-CFG-lora", {}, Distillation(Sampler.DDIM, 12, 5.0, "trailing")),
        ("dmd2_sdxl_4step_lora_fp16", {}, Distillation(Sampler.LCM, 4, 1.0)),
        ("x", {"ss_output_name": "my_dmd2"}, Distillation(Sampler.LCM, 4, 1.0)),
        ("hyper detailed skin", {}, None),
        ("lightning bolts", {}, None),
        ("SDXL Lightning LoRA", {}, Distillation(Sampler.EULER, 4, 1.0, "trailing")),
        ("calcmatic", {}, None),
        ("ink", {"ss_output_name": "ink v1"}, None),
    ],
)
def test_a_distillation_brings_its_settings(
    name: str, metadata: dict[str, str], settings: Distillation | None
):
    assert distillation(name, metadata) == settings


def test_turbo_is_one_only_for_sdxl():
    found = distillation("sd_xl_turbo_lora_v1", {}, "sdxl")
    assert found == Distillation(Sampler.EULER_A, 4, 1.0, "trailing")
    assert distillation("turbo charged cars", {}, "sdxl") is None
    assert distillation("turbo charged cars", {}, "sd1") is None


def test_a_name_is_found_in_any_case():
    ink = Adapter(name="Ink Wash", path=Path("ink.safetensors"))
    catalog = {"Ink Wash": ink}
    assert find_adapter("Ink Wash", catalog) is find_adapter("INK wash", catalog) is ink
    with pytest.raises(AdapterUnavailable, match="not among the LoRAs here"):
        find_adapter("Inks", catalog)


def test_files_are_offered_by_name_each_once():
    files = [
        ModelFile(path=Path("a/Ink.safetensors"), kind=Kind.LORA, family="sd1"),
        ModelFile(path=Path("b/ink.safetensors"), kind=Kind.LORA, family="sdxl"),
        ModelFile(path=Path("b/lcm_xl.safetensors"), kind=Kind.LORA, family="sdxl"),
        ModelFile(path=Path("c/Word.safetensors"), kind=Kind.EMBEDDING, family="sd1"),
        ModelFile(path=Path("c/old.pt")),
        ModelFile(path=Path("c/model.safetensors"), kind=Kind.CHECKPOINT),
    ]
    adapters = adapters_of(files)
    assert [(name, one.family) for name, one in adapters.items()] == [
        ("Ink", "sd1"),
        ("b/ink", "sdxl"),
        ("lcm_xl", "sdxl"),
    ]
    assert adapters["lcm_xl"].distillation == LCM
    assert list(adapters_of(files, Kind.EMBEDDING)) == ["Word", "old"]

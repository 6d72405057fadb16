"""Files in every layout make exactly the models that they were written from."""

import json
from pathlib import Path

import pytest
import torch
from diffusers.loaders.single_file_utils import convert_flux_transformer_checkpoint_to_diffusers

from generation.loading.layouts.components import empty_model, load_models
from generation.loading.layouts.composition import COMPONENTS, shipped_config
from generation.loading.layouts.conversion import convert
from generation.loading.model_file import Part
from tests.generation.loading import layouts
from tests.generation.loading.tiny import TINY, tiny_config


def all_in(file: Path, family: str) -> dict[Part, Path]:
    return dict.fromkeys(COMPONENTS[family].values(), file)


def assert_same(models, expected):
    assert models.keys() == expected.keys()
    for name, model in models.items():
        found = model.state_dict()
        assert found.keys() == expected[name].keys()
        for key, weight in expected[name].items():
            assert torch.equal(found[key], weight), (name, key)


@pytest.mark.parametrize("family", TINY)
def test_a_whole_checkpoint(tiny, tmp_path: Path, family: str):
    file = layouts.save(layouts.whole(family, tiny(family)), tmp_path / "x.safetensors")
    assert_same(load_models(family, all_in(file, family), torch.float32), tiny(family))


LAYOUTS = {
    "sd1": {
        "without text_model": ("cond_stage_model.transformer.", layouts.bare_clip),
        "as ComfyUI saves it": ("cond_stage_model.clip_l.transformer.", layouts.clip),
    },
    "sd2": {"as transformers names it": ("cond_stage_model.model.", layouts.clip)},
    "sdxl": {
        "without text_model": ("conditioner.embedders.1.model.", layouts.bare_clip),
        "as SD 3 names it": ("text_encoders.clip_g.transformer.", layouts.clip),
    },
    "flux": {"without transformer": ("text_encoders.t5xxl.", layouts.t5)},
    "z_image": {"without transformer": ("text_encoders.qwen3_4b.", layouts.qwen)},
}
CASES = [(family, name) for family, listed in LAYOUTS.items() for name in listed]


@pytest.mark.parametrize(("family", "name"), CASES)
def test_a_text_encoder_under_other_names(tiny, tmp_path: Path, family: str, name: str):
    prefix, layout = LAYOUTS[family][name]
    encoder = max(layouts.ENCODERS[family])
    usual, _ = layouts.ENCODERS[family][encoder]
    weights = layouts.whole(family, tiny(family))
    weights = {key: one for key, one in weights.items() if not key.startswith(usual)}
    weights |= layouts.prefixed(layout(tiny(family)[encoder]), prefix)
    file = layouts.save(weights, tmp_path / "x.safetensors")
    assert_same(load_models(family, all_in(file, family), torch.float32), tiny(family))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_another_precision(tiny, tmp_path: Path, dtype: torch.dtype):
    weights = {
        key: one.to(dtype) if one.is_floating_point() else one
        for key, one in layouts.whole("sdxl", tiny("sdxl")).items()
    }
    file = layouts.save(weights, tmp_path / "x.safetensors")
    expected = {
        name: {key: one.to(dtype).float() for key, one in model.items()}
        for name, model in tiny("sdxl").items()
    }
    assert_same(load_models("sdxl", all_in(file, "sdxl"), torch.float32), expected)


@pytest.mark.parametrize("kind", [torch.float8_e4m3fn, torch.float8_e5m2])
def test_fp8_is_brought_to_the_type_to_compute_in(tiny, tmp_path: Path, kind: torch.dtype):
    weights = layouts.whole("flux", tiny("flux"))
    stored = {key: one.to(kind) if one.ndim == 2 else one for key, one in weights.items()}
    file = layouts.save(stored, tmp_path / "x.safetensors")
    models = load_models("flux", all_in(file, "flux"), torch.bfloat16)
    rounded = {
        name: {
            key: (one.to(kind) if one.ndim == 2 or ".attentions.0.to_" in key else one)
            for key, one in model.items()
        }
        for name, model in tiny("flux").items()
    }
    for key, found in models["transformer"].state_dict().items():
        assert torch.equal(found, rounded["transformer"][key].to(torch.bfloat16)), key


@pytest.mark.parametrize("ending", ["scale_weight", "weight_scale"])
@pytest.mark.parametrize("per_row", [False, True])
def test_scaled_fp8_is_unpacked(tiny, tmp_path: Path, ending: str, per_row: bool):
    plain = tiny("flux")["transformer"]
    stored = {"scaled_fp8": torch.zeros(0)}
    for key, one in layouts.flux(plain).items():
        if one.ndim == 2:
            scale = one.abs().amax(1) if per_row else one.abs().amax()
            packed = (one / (scale[:, None] if per_row else scale)).to(torch.float8_e4m3fn)
            stored[f"model.diffusion_model.{key}"] = packed
            stored[f"model.diffusion_model.{key.removesuffix('weight')}{ending}"] = scale
        else:
            stored[f"model.diffusion_model.{key}"] = one
    file = layouts.save(stored, tmp_path / "x.safetensors")
    (model,) = load_models("flux", {Part.DENOISER: file}, torch.float32).values()
    for key, found in model.state_dict().items():
        assert torch.allclose(found, plain[key], rtol=0.07, atol=1e-3), key


def test_scales_of_blocks_are_refused_in_a_line(tiny, tmp_path: Path):
    weights = layouts.flux(tiny("flux")["transformer"])
    weights["img_in.weight_scale"] = torch.ones(32, 3)
    file = layouts.save(weights, tmp_path / "x.safetensors")
    with pytest.raises(ValueError, match=r"its img_in.weight has 96 factors"):
        load_models("flux", {Part.DENOISER: file}, torch.float32)


@pytest.mark.parametrize("family", TINY)
def test_parts_in_files_of_their_own(tiny, tmp_path: Path, family: str):
    models, files = tiny(family), {}
    for name, part in COMPONENTS[family].items():
        layout = {
            Part.DENOISER: layouts.DENOISERS[family],
            Part.VAE: layouts.vae,
            Part.T5: layouts.t5,
            Part.QWEN: layouts.qwen,
        }.get(part, layouts.clip)
        files[part] = layouts.save(layout(models[name]), tmp_path / f"{name}.safetensors")
    assert_same(load_models(family, files, torch.float32), models)


@pytest.mark.parametrize("family", TINY)
def test_parts_with_diffusers_own_names(tiny, tmp_path: Path, family: str):
    """Their sizes cannot be told, so that a folder's configurations say them."""
    files = {
        part: layouts.save(
            {
                key: one
                for key, one in tiny(family)[name].items()
                if key not in ("encoder.embed_tokens.weight", "lm_head.weight")
            },
            tmp_path / f"{name}.safetensors",
        )
        for name, part in COMPONENTS[family].items()
    }
    for name in COMPONENTS[family]:
        config = tmp_path / name / "config.json"
        config.parent.mkdir()
        config.write_text(json.dumps(tiny_config(family, name)))
    assert_same(load_models(family, files, torch.float32, tmp_path), tiny(family))


def test_what_is_not_needed_is_left_out(tiny, tmp_path: Path, caplog: pytest.LogCaptureFixture):
    weights = layouts.whole("sd1", tiny("sd1"))
    averaged = {
        "model_ema." + key.removeprefix("model.").replace(".", ""): torch.zeros_like(one)
        for key, one in weights.items()
        if key.startswith("model.diffusion_model.")
    }
    others = {
        "model_ema.decay": torch.zeros(()),
        "alphas_cumprod": torch.zeros(1000),
        "betas": torch.zeros(1000),
        "cond_stage_model.transformer.text_model.encoder.odd": torch.zeros(3),
    }
    file = layouts.save(weights | averaged | others, tmp_path / "x.safetensors")
    with caplog.at_level("INFO"):
        assert_same(load_models("sd1", all_in(file, "sd1"), torch.float32), tiny("sd1"))
    assert caplog.messages == ["x.safetensors: 1 tensors are not used, such as encoder.odd"]


def test_a_latent_consistency_model_takes_its_guidance(tiny, tmp_path: Path):
    weights = dict(tiny("sd1")["unet"])
    weights["time_embedding.cond_proj.weight"] = torch.randn(32, 256)
    file = layouts.save(layouts.unet(weights), tmp_path / "x.safetensors")
    (model,) = load_models("sd1", {Part.DENOISER: file}, torch.float32).values()
    assert model.config.time_cond_proj_dim == 256
    assert model.state_dict().keys() == weights.keys()


def test_t5_computes_in_fp32_where_it_overflows_in_fp16(tiny, tmp_path: Path):
    file = layouts.save(layouts.t5(tiny("flux")["text_encoder_2"]), tmp_path / "x.safetensors")
    (model,) = load_models("flux", {Part.T5: file}, torch.float16).values()
    kinds = {key: one.dtype for key, one in model.named_parameters()}
    assert {kind for key, kind in kinds.items() if ".wo." in key} == {torch.float32}
    assert {kind for key, kind in kinds.items() if ".wo." not in key} == {torch.float16}


def test_sd3_pools_clip_l_without_a_projection(tiny, tmp_path: Path):
    weights = layouts.clip(tiny("sd3")["text_encoder"])
    del weights["text_projection.weight"]
    file = layouts.save(weights, tmp_path / "x.safetensors")
    (model,) = load_models("sd3", {Part.CLIP_L: file}, torch.float32).values()
    assert torch.equal(model.state_dict()["text_projection.weight"], torch.eye(64))


@pytest.mark.parametrize("family", TINY)
@pytest.mark.parametrize("part", ["model.diffusion_model.", "vae"])
def test_holes_are_named_in_a_line(tiny, tmp_path: Path, family: str, part: str):
    prefix = part if part != "vae" else ("vae.", "first_stage_model.")
    weights = layouts.whole(family, tiny(family))
    mine = [key for key in weights if key.startswith(prefix)]
    for lost in (mine[0], mine[len(mine) // 2], mine[-1]):
        left = {key: one for key, one in weights.items() if key != lost}
        file = layouts.save(left, tmp_path / "x.safetensors")
        with pytest.raises(ValueError, match=r"lacks|missing|instead") as refused:
            load_models(family, all_in(file, family), torch.float32)
        assert "\n" not in str(refused.value)


def test_other_shapes_are_named(tiny, tmp_path: Path):
    weights = layouts.whole("sd1", tiny("sd1"))
    weights["model.diffusion_model.out.2.bias"] = torch.zeros(5)
    file = layouts.save(weights, tmp_path / "x.safetensors")
    with pytest.raises(ValueError, match=r"its conv_out.bias is 5 instead of 4"):
        load_models("sd1", all_in(file, "sd1"), torch.float32)


def test_flux_is_converted_as_diffusers_does_it_at_its_own_width():
    """Rows are numbered and one column wide, since only rows are moved."""
    config = shipped_config("flux", "transformer") | {"num_layers": 1, "num_single_layers": 2}
    model = empty_model(config)
    numbered = {
        key: torch.arange(len(one)).float()[:, None] if one.ndim == 2 else torch.arange(len(one))
        for key, one in layouts.flux(
            {key: one.to("meta") for key, one in model.state_dict().items()}
        ).items()
    }
    found = convert(model, config, numbered)
    expected = convert_flux_transformer_checkpoint_to_diffusers(dict(numbered))
    assert found.keys() == expected.keys() == model.state_dict().keys()
    for key, one in expected.items():
        assert torch.equal(found[key], one), key

"""What files are, from headers as their makers write them."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from generation.loading.detect import Kind, ModelFile, checkpoint_problem, inspect_file
from tests.generation.loading import layouts
from tests.generation.loading.full_size import full_file

DRAWN = ("sd1", "sd2", "sdxl")
UNET = "model.diffusion_model."


def write(folder: Path, shapes: dict[str, tuple[int, ...]], name: str = "x", **said: str) -> Path:
    weights = {key: torch.empty(shape, device="meta") for key, shape in shapes.items()}
    return layouts.sparse(weights, folder / f"{name}.safetensors", said)


def unet(context: int = 768, *, linear: bool = False, channels: int = 4) -> dict:
    """What tells a UNet of CompVis' from others."""
    attention = "input_blocks.1.1"
    return {
        "input_blocks.0.0.weight": (320, channels, 3, 3),
        "time_embed.0.weight": (1280, 320),
        f"{attention}.proj_in.weight": (320, 320) if linear else (320, 320, 1, 1),
        f"{attention}.transformer_blocks.0.attn2.to_k.weight": (320, context),
    }


def xl(context: int = 2048, labels: int = 2816) -> dict:
    plain = unet(context, linear=True)
    return {**plain, "label_emb.0.0.weight": (1280, labels)}


DENOISERS = {
    "sd1": unet(),
    "sd2": unet(1024, linear=True),
    "sdxl": xl(),
    "sdxl_refiner": xl(1280, 2560),
    "sd2_unclip": xl(1024, 2048),
    "svd": {**unet(1024, linear=True), "input_blocks.1.1.time_stack.0.norm1.weight": (320,)},
    "playground": {**xl(), "/edm_mean": (4,), "/edm_std": (4,)},
    "cosxl": {**xl(), "/edm_vpred.sigma_max": ()},
    "sd3": {
        "joint_blocks.0.context_block.attn.qkv.weight": (4608, 1536),
        "x_embedder.proj.weight": (1536, 16, 2, 2),
    },
    "flux": {
        "double_blocks.0.img_attn.norm.key_norm.scale": (128,),
        "img_in.weight": (3072, 64),
        "guidance_in.in_layer.weight": (3072, 256),
    },
    "chroma": {
        "double_blocks.0.img_attn.norm.key_norm.scale": (128,),
        "img_in.weight": (3072, 64),
        "distilled_guidance_layer.in_proj.weight": (5120, 64),
    },
    "flux2": {"double_stream_modulation_img.lin.weight": (36864, 6144)},
    "z_image": {"cap_embedder.0.weight": (2560,), "x_pad_token": (1, 3840)},
    "lumina2": {
        "cap_embedder.0.weight": (2304,),
        "noise_refiner.0.attention.q_norm.weight": (96,),
    },
    "qwen_image": {"txt_norm.weight": (3584,), "img_in.weight": (3072, 64)},
    "auraflow": {"cond_seq_linear.weight": (3072, 2048)},
    "pixart": {"t_block.1.weight": (6912, 1152), "y_embedder.y_embedding": (120, 4096)},
    "cascade": {"clip_txt_mapper.weight": (2048, 1280)},
    "hunyuan_dit": {"mlp_t5.0.weight": (8192, 2048)},
    "hunyuan_video": {"txt_in.individual_token_refiner.blocks.0.norm1.weight": (3072,)},
    "wan": {"head.modulation": (1, 2, 5120)},
    "ltx_video": {"patchify_proj.weight": (2048, 128)},
    "hidream": {"caption_projection.0.linear.weight": (2560, 4096)},
}


@pytest.mark.parametrize("family", DENOISERS)
@pytest.mark.parametrize("prefix", [UNET, ""])
def test_families_by_their_denoisers(tmp_path: Path, family: str, prefix: str):
    shapes = {
        key[1:] if key.startswith("/") else prefix + key: shape
        for key, shape in DENOISERS[family].items()
    }
    file = inspect_file(write(tmp_path, shapes))
    assert (file.kind, file.family) == (Kind.DIFFUSION_MODEL, family)
    problem = checkpoint_problem(file, DRAWN)
    assert (problem is None) == (family in DRAWN)
    if problem is not None:
        assert problem.code == "checkpoint-not-drawn"
        assert str(problem).startswith("x.safetensors is a ")


@pytest.mark.parametrize("family", ["sd1", "sdxl"])
def test_a_unet_with_diffusers_names(tmp_path: Path, family: str):
    block = "down_blocks.1.attentions.0"
    shapes = {
        "conv_in.weight": (320, 4, 3, 3),
        "time_embedding.linear_1.weight": (1280, 320),
        f"{block}.proj_in.weight": (640, 640, 1, 1),
        f"{block}.transformer_blocks.0.attn2.to_k.weight": (640, 768),
    }
    if family == "sdxl":
        shapes["add_embedding.linear_1.weight"] = (1280, 2816)
    file = inspect_file(write(tmp_path, shapes))
    assert (file.kind, file.family, file.in_channels) == (Kind.DIFFUSION_MODEL, family, 4)


KOHYA = "lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k"
OTHERS = {
    "LoRA of SDXL": (
        {f"{KOHYA}.lora_down.weight": (8, 2048), f"{KOHYA}.lora_up.weight": (640, 8)},
        (Kind.LORA, "sdxl", "lora"),
    ),
    "LoRA of SD 1": ({f"{KOHYA}.lora_down.weight": (8, 768)}, (Kind.LORA, "sd1", "lora")),
    "LoRA of SD 2": ({f"{KOHYA}.lora_down.weight": (8, 1024)}, (Kind.LORA, "sd2", "lora")),
    "LoRA of diffusers": (
        {"unet.down_blocks.1.attentions.0.attn2.to_k.lora_A.weight": (4, 2048)},
        (Kind.LORA, "sdxl", "lora"),
    ),
    "old LoRA of diffusers": (
        {"unet.up_blocks.1.attn2.processor.to_k_lora.down.weight": (4, 768)},
        (Kind.LORA, None, "lora"),
    ),
    "LoRA of both encoders": (
        {"lora_te2_text_model_encoder_layers_0_mlp_fc1.lora_down.weight": (4, 1280)},
        (Kind.LORA, "sdxl", "lora"),
    ),
    "LoRA of Flux": (
        {"transformer.single_transformer_blocks.0.attn.to_q.lora_A.weight": (16, 3072)},
        (Kind.LORA, "flux", "lora"),
    ),
    "LoCon": (
        {f"{KOHYA}.lora_down.weight": (8, 768), "lora_unet_a.lora_down.weight": (8, 4, 3, 3)},
        (Kind.LORA, "sd1", "locon"),
    ),
    "LoHa": ({"lora_unet_a.hada_w1_a": (640, 8)}, (Kind.LORA, None, "loha")),
    "LoKr": ({"lora_unet_a.lokr_w1": (8, 8)}, (Kind.LORA, None, "lokr")),
    "DoRA": (
        {f"{KOHYA}.lora_down.weight": (8, 768), f"{KOHYA}.dora_scale": (1, 768)},
        (Kind.LORA, "sd1", "dora"),
    ),
    "OFT": ({"lora_unet_a.oft_blocks": (4, 80, 80)}, (Kind.LORA, None, "oft")),
    "embedding of SD 1": ({"emb_params": (4, 768)}, (Kind.EMBEDDING, "sd1", None)),
    "embedding of SD 2": ({"emb_params": (4, 1024)}, (Kind.EMBEDDING, "sd2", None)),
    "embedding of SDXL": (
        {"clip_l": (8, 768), "clip_g": (8, 1280)},
        (Kind.EMBEDDING, "sdxl", None),
    ),
    "embedding of diffusers": ({"<cat-toy>": (768,)}, (Kind.EMBEDDING, "sd1", None)),
    "embedding under a name": ({"easynegative": (8, 768)}, (Kind.EMBEDDING, "sd1", None)),
    "VAE": (
        {"decoder.conv_in.weight": (512, 4, 3, 3), "encoder.conv_in.weight": (128, 3, 3, 3)},
        (Kind.VAE, None, None),
    ),
    "VAE with its prefix": (
        {"first_stage_model.decoder.conv_in.weight": (512, 4, 3, 3)},
        (Kind.VAE, None, None),
    ),
    "ControlNet": (
        {
            "control_model.input_hint_block.0.weight": (16, 3, 3, 3),
            "control_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight": (320, 768),
        },
        (Kind.CONTROL, "sd1", "controlnet"),
    ),
    "ControlNet of diffusers for SDXL": (
        {
            "controlnet_cond_embedding.conv_in.weight": (16, 3, 3, 3),
            "add_embedding.linear_1.weight": (1280, 2816),
        },
        (Kind.CONTROL, "sdxl", "controlnet"),
    ),
    "T2I-Adapter": (
        {"adapter.body.0.block1.weight": (320, 320, 3, 3)},
        (Kind.CONTROL, None, "t2i"),
    ),
    "IP-Adapter": (
        {"image_proj.proj.weight": (3072, 1024), "ip_adapter.1.to_k_ip.weight": (320, 768)},
        (Kind.IP_ADAPTER, "sd1", "base"),
    ),
    "Real-ESRGAN": (
        {"conv_first.weight": (64, 3, 3, 3), "body.0.rdb1.conv1.weight": (32, 64, 3, 3)},
        (Kind.UPSCALER, None, None),
    ),
    "ESRGAN": ({"model.1.sub.0.RDB1.conv1.0.weight": (32, 64, 3, 3)}, (Kind.UPSCALER, None, None)),
    "CLIP-L": (
        {"text_model.encoder.layers.0.self_attn.q_proj.weight": (768, 768)},
        (Kind.TEXT_ENCODER, None, None),
    ),
    "T5": (
        {"encoder.block.0.layer.0.SelfAttention.q.weight": (4096, 4096)},
        (Kind.TEXT_ENCODER, None, None),
    ),
    "Qwen3": (
        {"model.layers.0.self_attn.q_proj.weight": (4096, 2560)},
        (Kind.TEXT_ENCODER, None, None),
    ),
    "CLIP vision": (
        {"vision_model.encoder.layers.0.self_attn.q_proj.weight": (1280, 1280)},
        (Kind.IMAGE_ENCODER, None, None),
    ),
    "something else": ({"a": (3, 4), "b.weight": (5,)}, (Kind.UNKNOWN, None, None)),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_checkpoint_is_named(tmp_path: Path, name: str):
    shapes, expected = OTHERS[name]
    file = inspect_file(write(tmp_path, shapes))
    assert (file.kind, file.family, file.algorithm) == expected
    problem = checkpoint_problem(file, DRAWN)
    assert problem is not None
    assert problem.code == (
        "checkpoint-unknown" if file.kind is Kind.UNKNOWN else "checkpoint-kind"
    )
    assert "\n" not in problem


@pytest.mark.parametrize(
    ("said", "family"),
    [
        ({"ss_base_model_version": "sdxl_base_v1-0"}, "sdxl"),
        ({"ss_base_model_version": "sd_v1"}, "sd1"),
        ({"ss_base_model_version": "sd_1.5", "modelspec.architecture": "odd"}, None),
        ({"modelspec.architecture": "stable-diffusion-v2-768-v/lora"}, "sd2"),
        ({"modelspec.architecture": "flux-1-dev/lora"}, "flux"),
        ({"modelspec.architecture": "Flux-2-klein/lora"}, "flux2"),
        ({"ss_base_model_version": "zimage"}, "z_image"),
    ],
)
def test_a_lora_s_family_by_what_its_trainer_wrote(tmp_path: Path, said: dict, family: str | None):
    path = write(tmp_path, {"lora_unet_a.hada_w1_a": (640, 8)}, **said)
    assert inspect_file(path).family == family


def denoiser(folder: Path, shapes: dict | None = None, name: str = "x", **said: str) -> ModelFile:
    named = {UNET + key: shape for key, shape in (shapes or xl()).items()}
    return inspect_file(write(folder, named, name, **said))


@pytest.mark.parametrize(
    ("name", "said", "prediction"),
    [
        ("plain", {}, "epsilon"),
        ("plain", {"modelspec.predict_key": "v"}, "v_prediction"),
        ("plain", {"modelspec.prediction_type": "epsilon"}, "epsilon"),
        ("noobaiXLNAIXL_vPred10Version", {}, "v_prediction"),
        ("NoobAI-XL-Vpred-v1.0", {}, "v_prediction"),
        ("some_v-prediction_model", {}, "v_prediction"),
        ("novpred", {}, "epsilon"),
        ("mix_no_vpred", {}, "epsilon"),
        ("vpred_eps", {"modelspec.predict_key": "epsilon"}, "epsilon"),
    ],
)
def test_prediction_types(tmp_path: Path, name: str, said: dict, prediction: str):
    assert denoiser(tmp_path, name=name, **said).prediction_type == prediction


def test_markers_are_sure(tmp_path: Path):
    named = {UNET + key: shape for key, shape in xl().items()}
    file = inspect_file(write(tmp_path, {**named, "v_pred": (0,), "ztsnr": (0,)}))
    assert (file.prediction_type, file.zero_snr) == ("v_prediction", True)
    file = inspect_file(write(tmp_path, {**named, "v_pred": ()}))
    assert (file.prediction_type, file.zero_snr) == ("v_prediction", False)


@pytest.mark.parametrize(("spread", "said"), [(0.3, "v_prediction"), (0.03, "epsilon"), (0, None)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_stable_diffusion_2_tells_by_a_bias(
    tmp_path: Path, spread: float, said: str | None, dtype: torch.dtype
):
    torch.manual_seed(0)
    weights = {UNET + key: torch.zeros(shape) for key, shape in unet(1024, linear=True).items()}
    bias = UNET + "output_blocks.11.1.transformer_blocks.0.norm1.bias"
    weights[bias] = (torch.randn(320) * spread).to(dtype)
    assert inspect_file(layouts.save(weights, tmp_path / "a.safetensors")).prediction_type == said


@pytest.mark.parametrize(
    ("name", "distillation"),
    [
        ("sd_xl_turbo_1.0_fp16", "turbo"),
        ("DreamShaperXL_Turbo_v2_1", "turbo"),
        ("dreamshaperXL_lightningDPMSDE", "lightning"),
        ("realvisxlV40_v40LightningBakedvae", "lightning"),
        ("Juggernaut_RunDiffusionPhoto2_Lightning_4Steps", "lightning"),
        ("Hyper-SDXL-1step-Unet", "hyper"),
        ("realisticVisionV60B1_v51HyperVAE", "hyper"),
        ("hyperRealism_v10", None),
        ("hyperdetailed", None),
        ("someDMD2Model", "dmd2"),
        ("dreamshaper_8LCM", "lcm"),
        ("turbulence", None),
        ("lightningly", None),
        ("enlightning", None),
        ("ponyDiffusionV6XL", None),
    ],
)
def test_distillation_by_name_where_that_is_sure(
    tmp_path: Path, name: str, distillation: str | None
):
    assert denoiser(tmp_path, name=name).distillation == distillation


def test_distillation_by_what_only_distilled_models_have(tmp_path: Path):
    file = denoiser(tmp_path, {**unet(), "time_embed.cond_proj.weight": (320, 256)})
    assert (file.distillation, file.guidance_embedded) == ("lcm", True)


def test_inpainting_and_editing_models_are_said_to_be_such(tmp_path: Path):
    file = denoiser(tmp_path, unet(channels=9))
    assert file.inpaints
    assert checkpoint_problem(file, DRAWN) is None
    fill = replace(file, family="flux", in_channels=96)
    assert checkpoint_problem(fill, (*DRAWN, "flux")) == (
        "x.safetensors is an inpainting model of Flux, which is not supported"
    )
    said = checkpoint_problem(denoiser(tmp_path, unet(channels=8)), DRAWN)
    assert said == "x.safetensors takes 8 channels; editing is not supported"


@pytest.mark.parametrize(
    ("dtypes", "precision", "mixed"),
    [
        ((torch.float16, torch.float16), "fp16", False),
        ((torch.bfloat16, torch.bfloat16), "bf16", False),
        ((torch.float32, torch.float16), "fp32", True),
        ((torch.float8_e4m3fn, torch.float8_e5m2), "fp8", False),
        ((torch.float64, torch.float64), "fp64", False),
    ],
)
def test_precisions(tmp_path: Path, dtypes: tuple, precision: str, mixed: bool):
    weights = {
        UNET + "a.weight": torch.zeros(30, 10).to(dtypes[0]),
        UNET + "b.weight": torch.zeros(20, 10).to(dtypes[1]),
    }
    file = inspect_file(layouts.save(weights, tmp_path / "a.safetensors"))
    assert (file.precision, file.is_mixed, file.parameters) == (precision, mixed, 500)


@pytest.mark.parametrize(
    ("ending", "found"),
    [
        ("scale_weight", None),
        ("quant_state.bitsandbytes__nf4", "nf4"),
        ("wscales", "SVDQuant"),
    ],
)
def test_what_is_quantized_beyond_scaled_fp8_is_refused(
    tmp_path: Path, ending: str, found: str | None
):
    file = denoiser(tmp_path, {**xl(), f"out.2.{ending}": (4,)})
    problem = checkpoint_problem(file, DRAWN)
    assert problem == (found and f"x.safetensors is quantized as {found}, which is not supported")


def test_metadata_is_kept_within_bounds(tmp_path: Path):
    said = {
        "modelspec.title": "Pony\n\tDiffusion " + "x" * 5000,
        "modelspec.thumbnail": "data:image/png;base64," + "A" * 100_000,
        "ss_tag_frequency": "y" * 100_000,
        **{f"modelspec.field_{number}": "z" for number in range(500)},
    }
    file = denoiser(tmp_path, **said)
    assert file.title.startswith("Pony Diffusion xx")
    assert len(file.title) == 300
    assert len(file.metadata) == 40
    assert "ss_tag_frequency" not in file.metadata
    assert "modelspec.thumbnail" not in file.metadata


def test_averaged_weights_are_not_counted(tmp_path: Path):
    averaged = {
        "model_ema." + key.removeprefix("model.").replace(".", ""): one
        for key, one in full_file("sd1").items()
        if key.startswith(UNET)
    }
    plain = inspect_file(layouts.sparse(full_file("sd1"), tmp_path / "a.safetensors"))
    file = inspect_file(layouts.sparse(full_file("sd1") | averaged, tmp_path / "b.safetensors"))
    assert (file.kind, file.family) == (Kind.CHECKPOINT, "sd1")
    assert file.parameters == plain.parameters
    assert file.parts["EMA"] == 859_520_964

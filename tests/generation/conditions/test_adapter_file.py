"""Files of LoRAs as programs write them, and what is refused."""

import copy
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from diffusers import FluxTransformer2DModel, SD3Transformer2DModel, UNet2DConditionModel
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import CLIPTextModel

from generation.conditions.adapters.adapter_file import LoadedAdapter, load_adapter
from generation.conditions.adapters.adapter_keys import Part
from generation.conditions.adapters.layer_names import targets
from generation.conditions.adapters.row_adapters import AdapterSet, RowAdapters
from generation.errors import AdapterUnavailable
from tests.generation.conditions.lora_files import LINEAR, kohya, lora, write_adapter

CPU = torch.device("cpu")
MOST = 2**30


@pytest.fixture(scope="module")
def models(tiny_folder: Path) -> dict[Part, nn.Module]:
    return {
        Part.DENOISER: UNet2DConditionModel.from_pretrained(tiny_folder / "unet").eval(),
        Part.TEXT_ENCODER: CLIPTextModel.from_pretrained(tiny_folder / "text_encoder").eval(),
    }


def load(
    file: Path, models: dict[Part, nn.Module], family: str = "sd1", most_bytes: int = MOST
) -> LoadedAdapter:
    return load_adapter("Ink", file, models, CPU, family=family, most_bytes=most_bytes)


def attention(name: str, layer: nn.Module) -> bool:
    return isinstance(layer, nn.Linear) and name.rpartition(".")[0].endswith(
        ("attn1", "attn2", "self_attn")
    )


def dense(loaded: LoadedAdapter) -> dict[tuple[Part, str], Tensor]:
    return {
        (part, layer): change.delta.dense()
        for part, table in loaded.changes.items()
        for layer, change in table.items()
    }


KOHYA = ("lora_down.weight", "lora_up.weight")
PEFT = ("lora_A.weight", "lora_B.weight")
Name = Callable[[str, str], str]


def with_prefixes(unet: str, text: str) -> Name:
    return lambda part, name: (unet if part == Part.DENOISER else text) + name


def joined(unet: str, text: str) -> Name:
    return lambda part, name: (unet if part == Part.DENOISER else text) + name.replace(".", "_")


# How programs name layers, and their two factors.
PROGRAMS: dict[str, tuple[Name, tuple[str, str]]] = {
    "kohya": (joined("lora_unet_", "lora_te_text_model_"), KOHYA),
    "kohya, as for SDXL": (joined("lora_unet_", "lora_te1_text_model_"), KOHYA),
    "OneTrainer": (joined("lora_transformer_", "lora_te_"), KOHYA),
    "LyCORIS": (joined("lycoris_", "lora_te_text_model_"), KOHYA),
    "diffusers": (with_prefixes("unet.", "text_encoder.text_model."), PEFT),
    "diffusers, in between": (
        with_prefixes("unet.", "text_encoder.text_model."),
        ("lora.down.weight", "lora.up.weight"),
    ),
    "diffusers, linear layers": (
        with_prefixes("unet.", "text_encoder.text_model."),
        ("lora_linear_layer.down.weight", "lora_linear_layer.up.weight"),
    ),
    "PEFT": (
        with_prefixes("base_model.model.unet.", "base_model.model.text_encoder."),
        ("lora_A.default.weight", "lora_B.default.weight"),
    ),
    "ComfyUI": (with_prefixes("diffusion_model.", "text_encoders.clip_l.transformer."), PEFT),
    "OneTrainer, by dots": (with_prefixes("unet.", "clip_l."), KOHYA),
}


@pytest.mark.parametrize(("names", "endings"), PROGRAMS.values(), ids=PROGRAMS)
def test_every_program_s_names_are_understood(
    models: dict[Part, nn.Module], tmp_path: Path, names: Name, endings: tuple[str, str]
):
    reference = write(models, tmp_path / "kohya", kohya, KOHYA)
    file = tmp_path / "other"
    write(models, file, names, endings)
    loaded = load(file, models)
    assert loaded.unused == ()
    found = dense(loaded)
    assert found.keys() == reference.keys()
    assert all(torch.equal(found[key], reference[key]) for key in found)


def write(
    models: dict[Part, nn.Module], file: Path, names: Name, endings: tuple[str, str]
) -> dict[tuple[Part, str], Tensor]:
    """Write a LoRA of all attention layers without alpha; return what it adds."""
    rng = torch.Generator().manual_seed(5)
    tensors, added = {}, {}
    for part, model in models.items():
        for name, layer in model.named_modules():
            if attention(name, layer):
                down = torch.randn((4, layer.in_features), generator=rng)
                up = torch.randn((layer.out_features, 4), generator=rng)
                for ending, factor in zip(endings, (down, up), strict=True):
                    tensors[f"{names(part, name)}.{ending}"] = factor
                added[part, name] = up @ down
    save_file(tensors, file)
    return added


def test_old_attention_processors_are_understood(models: dict[Part, nn.Module], tmp_path: Path):
    """With and without a prefix."""
    wanted = write({Part.DENOISER: models[Part.DENOISER]}, tmp_path / "new", kohya, KOHYA)
    tensors = load_file(tmp_path / "new")
    layers = {kohya("denoiser", name): name for _, name in wanted}
    for prefix in ("", "unet."):
        old = {}
        for key, value in tensors.items():
            path, factor = key.removesuffix(".weight").split(".lora_")
            before, attn, last = layers[path].removesuffix(".0").rpartition("to_")
            old[f"{prefix}{before}processor.{attn}{last}_lora.{factor}.weight"] = value
        save_file(old, tmp_path / "old")
        loaded = load(tmp_path / "old", models)
        assert loaded.unused == ()
        found = dense(loaded)
        assert found.keys() == wanted.keys()
        assert all(torch.equal(found[key], wanted[key]) for key in found)


@pytest.mark.parametrize(
    "dtype",
    [torch.bfloat16, torch.float16, torch.float64, torch.float8_e4m3fn, torch.float8_e5m2],
    ids=str,
)
def test_every_precision_is_read(models: dict[Part, nn.Module], tmp_path: Path, dtype: torch.dtype):
    file = tmp_path / "a"
    copies = {part.value: copy.deepcopy(model) for part, model in models.items()}
    write_adapter(file, copies, attention, lora, kohya, dtype=dtype)
    tensors = {key: value.float() for key, value in load_file(file).items()}
    save_file(tensors, tmp_path / "plain")
    found, wanted = dense(load(file, models)), dense(load(tmp_path / "plain", models))
    assert len(found) == len(wanted) > 10
    assert all(torch.equal(found[key], wanted[key]) for key in found)


def test_what_peft_says_of_scales_is_read(models: dict[Part, nn.Module], tmp_path: Path):
    """As diffusers writes it into the file: alphas by layer, and rsLoRA."""
    unet = {Part.DENOISER: models[Part.DENOISER]}
    plain = write(unet, tmp_path / "a", with_prefixes("unet.", ""), PEFT)
    said = {"unet.lora_alpha": 8, "unet.r": 4, "unet.alpha_pattern": {"attn1.to_q": 2}}
    for rooted, root in ((False, 4), (True, 2)):
        text = json.dumps({**said, "unet.use_rslora": rooted})
        metadata = {"lora_adapter_metadata": text}
        save_file(load_file(tmp_path / "a"), tmp_path / "b", metadata)
        for (part, name), delta in dense(load(tmp_path / "b", unet)).items():
            alpha = 2 if name.endswith("attn1.to_q") else 8
            assert torch.allclose(delta, plain[part, name] * alpha / root), name
    for text in ("[", "[]", "3", '{"unet.lora_alpha": "x"}', '{"unet.alpha_pattern": []}'):
        save_file(load_file(tmp_path / "a"), tmp_path / "c", {"lora_adapter_metadata": text})
        found = dense(load(tmp_path / "c", unet))
        assert all(torch.equal(found[key], plain[key]) for key in found)


@pytest.mark.parametrize("use_dora", [False, True], ids=["LoRA", "DoRA"])
@torch.inference_mode()
def test_a_unet_draws_as_with_peft(
    models: dict[Part, nn.Module], tmp_path: Path, *, use_dora: bool
):
    unet = models[Part.DENOISER]
    layers = ["to_q", "to_k", "to_v", "to_out.0", "conv1", "ff.net.2"]
    config = LoraConfig(
        r=4, lora_alpha=6, target_modules=layers, use_dora=use_dora, init_lora_weights=False
    )
    torch.manual_seed(3)
    theirs = get_peft_model(copy.deepcopy(unet), config).eval()
    tensors = {
        key.replace(".default", ""): value.contiguous()
        for key, value in theirs.state_dict().items()
        if "lora_" in key
    }
    said = {"unet.lora_alpha": 6, "unet.r": 4}
    save_file(tensors, tmp_path / "a", {"lora_adapter_metadata": json.dumps(said)})
    loaded = load(tmp_path / "a", models)
    assert loaded.unused == ()
    inputs = (torch.randn(2, 4, 8, 8), torch.tensor([9.0, 500.0]), torch.randn(2, 77, 32))
    wanted = theirs(*inputs).sample
    rows = [AdapterSet(Part.DENOISER, ((loaded, 1.0),))] * 2
    with RowAdapters(unet).applied(rows):
        drawn = unet(*inputs).sample
    assert torch.allclose(drawn, wanted, atol=2e-4)
    assert not torch.allclose(unet(*inputs).sample, wanted, atol=1e-2)


FLUX = {
    "num_layers": 1,
    "num_single_layers": 2,
    "num_attention_heads": 2,
    "attention_head_dim": 8,
    "in_channels": 4,
    "joint_attention_dim": 16,
    "pooled_projection_dim": 16,
    "axes_dims_rope": (2, 2, 4),
    "guidance_embeds": True,
}
SD3 = {
    "num_layers": 2,
    "num_attention_heads": 2,
    "attention_head_dim": 8,
    "caption_projection_dim": 16,
    "joint_attention_dim": 16,
    "pooled_projection_dim": 16,
    "dual_attention_layers": (0,),
}


@pytest.mark.parametrize("make", LINEAR.values(), ids=LINEAR)
@pytest.mark.parametrize(
    ("kind", "config", "prefixes", "family"),
    [
        (FluxTransformer2DModel, FLUX, ("double_blocks", "single_blocks", "final"), "flux"),
        (SD3Transformer2DModel, SD3, ("joint_blocks", "final"), "sd3"),
    ],
    ids=["Flux", "SD 3"],
)
def test_a_fused_layer_s_adapter_is_divided_among_diffusers_layers(
    tmp_path: Path,
    make: Callable[[Tensor, torch.Generator], tuple[dict[str, Tensor], Tensor]],
    kind: type[nn.Module],
    config: dict[str, object],
    prefixes: tuple[str, ...],
    family: str,
):
    """The change is that of the fused matrix, of which each layer has its rows."""
    torch.manual_seed(0)
    model = kind(**config)
    rng = torch.Generator().manual_seed(1)
    tensors, wanted = {}, {}
    for name, target in targets(dict(model.named_modules())).items():
        if not name.startswith(prefixes):
            continue
        weights = [model.get_submodule(layer).weight.detach() for layer in target.layers]
        base = torch.cat(weights)
        half = len(base) // 2
        swap = (lambda one, half=half: one.roll(half, 0)) if target.swapped else (lambda one: one)
        factors, changed = make(swap(base), rng)
        tensors |= {f"lora_unet_{name}.{ending}": value for ending, value in factors.items()}
        sizes = [len(weight) for weight in weights]
        wanted |= dict(zip(target.layers, swap(changed).split(sizes), strict=True))
    save_file({key: value.contiguous() for key, value in tensors.items()}, tmp_path / "a")
    loaded = load(tmp_path / "a", {Part.DENOISER: model}, family)
    assert loaded.unused == ()
    changes = loaded.changes[Part.DENOISER]
    assert changes.keys() == wanted.keys()
    for layer, change in changes.items():
        module = model.get_submodule(layer)
        inputs = torch.randn(3, 5, module.in_features, generator=rng)
        expected = nn.functional.linear(inputs, wanted[layer], module.bias)
        adapters = RowAdapters(module_of(layer, module))
        with torch.inference_mode(), adapters.applied([one_of(loaded, layer)]):
            assert torch.allclose(module(inputs), expected, atol=1e-4), (layer, change)


def module_of(layer: str, module: nn.Module) -> nn.Module:
    """A model with one layer."""
    return nn.ModuleDict({"only": module})


def one_of(loaded: LoadedAdapter, layer: str) -> AdapterSet:
    table = {"only": loaded.changes[Part.DENOISER][layer]}
    return AdapterSet(Part.DENOISER, ((LoadedAdapter({Part.DENOISER: table}, ()), 1.0),))


def test_what_cannot_be_used_is_counted_and_named(models: dict[Part, nn.Module], tmp_path: Path):
    write(models, tmp_path / "a", kohya, KOHYA)
    tensors = load_file(tmp_path / "a")
    wrong = {
        "lora_unet_down_blocks_9_attentions_0_proj_in.lora_down.weight": torch.ones(4, 8),
        "lora_unet_down_blocks_9_attentions_0_proj_in.lora_up.weight": torch.ones(8, 4),
        "lora_te3_encoder_block_0_layer_0_SelfAttention_q.alpha": torch.tensor(1.0),
        "bundle_emb.word.string_to_param": torch.ones(1, 32),
        "lora_unet_conv_in.diff": torch.ones(32, 4, 3, 3),
        "lora_unet_conv_in.lora_down.weight": torch.ones(4, 5, 3, 3),
        "lora_unet_conv_in.lora_up.weight": torch.ones(32, 4, 1, 1),
        "lora_unet_conv_out.lora_down.weight": torch.full((4, 32, 3, 3), torch.nan),
        "lora_unet_conv_out.lora_up.weight": torch.ones(4, 4, 1, 1),
    }
    save_file({**tensors, **wrong}, tmp_path / "b")
    loaded = load(tmp_path / "b", models)
    assert sorted(loaded.unused) == sorted(wrong)
    assert dense(loaded).keys() == dense(load(tmp_path / "a", models)).keys()


def refusal(file: Path, models: dict[Part, nn.Module], **options: object) -> str:
    with pytest.raises(AdapterUnavailable) as caught:
        load(file, models, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_is_no_adapter_of_this_family_is_refused_by_name(
    models: dict[Part, nn.Module], tmp_path: Path
):
    file = tmp_path / "ink.safetensors"
    write(models, file, kohya, KOHYA)
    assert "ink.safetensors holds more than 0 MiB" in refusal(file, models, most_bytes=1000)
    tensors = load_file(file)
    sizes = {"SDXL": 2048, "2": 1024}
    for title, width in sizes.items():
        key = "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k"
        other = {f"{key}.lora_down.weight": torch.ones(4, width)}
        save_file({**tensors, **other}, file)
        assert "ink.safetensors was made for Stable Diffusion" in refusal(file, models)
        assert title.removeprefix("SD") in refusal(file, models)
        assert "not for Stable Diffusion 1" in refusal(file, models)
    words = {key: value for key, value in tensors.items() if key.startswith("lora_te_")}
    save_file(words, file, {"ss_base_model_version": "sdxl_base_v1-0"})
    assert "was made for Stable Diffusion XL, not for Stable Diffusion 1" in refusal(file, models)
    save_file({f"lora_unet_x_{n}.alpha": torch.tensor(1.0) for n in range(9)}, file)
    assert "does not fit Stable Diffusion 1" in refusal(file, models)
    save_file({"decoder.conv_in.weight": torch.ones(3)}, file)
    assert "is a VAE, not a LoRA" in refusal(file, models)
    save_file({"emb_params": torch.ones(2, 32)}, file)
    assert "is an embedding, not a LoRA" in refusal(file, models)
    whole = file.read_bytes()
    file.write_bytes(whole[:-3])
    assert "3 bytes are missing" in refusal(file, models)
    torch.save({"a": torch.ones(3)}, file)
    assert "pickled weights" in refusal(file, models)
    assert "No such file" in refusal(tmp_path / "none.safetensors", models)

"""Checkpoints as the community shares them: one file, with the original keys."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from generation.catalog import Catalog, Checkpoint, load_catalog
from generation.engine.engine import Engine
from generation.errors import CatalogInvalid, CheckpointUnavailable
from generation.request import Failed
from tests.generation.conftest import CPU, PLAIN, MakeRequest, pixels, run

Weights = dict[str, torch.Tensor]

UNET = [  # diffusers' names to the original ones, for one resnet a block and two resolutions
    (r"^time_embedding\.linear_1", "time_embed.0"),
    (r"^time_embedding\.linear_2", "time_embed.2"),
    (r"^conv_in", "input_blocks.0.0"),
    (r"^conv_norm_out", "out.0"),
    (r"^conv_out", "out.2"),
    (r"^down_blocks\.0\.resnets\.0", "input_blocks.1.0"),
    (r"^down_blocks\.0\.downsamplers\.0\.conv", "input_blocks.2.0.op"),
    (r"^down_blocks\.1\.resnets\.0", "input_blocks.3.0"),
    (r"^down_blocks\.1\.attentions\.0", "input_blocks.3.1"),
    (r"^mid_block\.resnets\.0", "middle_block.0"),
    (r"^mid_block\.attentions\.0", "middle_block.1"),
    (r"^mid_block\.resnets\.1", "middle_block.2"),
    (r"^up_blocks\.0\.resnets\.(\d)", r"output_blocks.\1.0"),
    (r"^up_blocks\.0\.attentions\.(\d)", r"output_blocks.\1.1"),
    (r"^up_blocks\.0\.upsamplers\.0\.conv", "output_blocks.1.2.conv"),
    (r"^up_blocks\.1\.resnets\.0", "output_blocks.2.0"),
    (r"^up_blocks\.1\.resnets\.1", "output_blocks.3.0"),
    (r"\.norm1\.(?=\w+$)(?<!transformer_blocks\.0\.norm1\.)", ".in_layers.0."),
    (r"(?<!transformer_blocks\.0)\.norm2\.(?=\w+$)", ".out_layers.0."),
    (r"\.conv1\.", ".in_layers.2."),
    (r"\.time_emb_proj\.", ".emb_layers.1."),
    (r"\.conv2\.", ".out_layers.3."),
    (r"\.conv_shortcut\.", ".skip_connection."),
]
VAE = [
    (r"down_blocks\.(\d)\.resnets\.(\d)", r"down.\1.block.\2"),
    (r"down_blocks\.(\d)\.downsamplers\.0", r"down.\1.downsample"),
    (r"up_blocks\.0", "up.2"),
    (r"up_blocks\.1", "up.1"),
    (r"up_blocks\.2", "up.0"),
    (r"(up\.\d)\.resnets\.(\d)", r"\1.block.\2"),
    (r"(up\.\d)\.upsamplers\.0", r"\1.upsample"),
    (r"mid_block\.resnets\.0", "mid.block_1"),
    (r"mid_block\.resnets\.1", "mid.block_2"),
    (r"mid_block\.attentions\.0", "mid.attn_1"),
    (r"group_norm", "norm"),
    (r"to_out\.0", "proj_out"),
    (r"to_([qkv])", r"\1"),
    (r"conv_norm_out", "norm_out"),
    (r"conv_shortcut", "nin_shortcut"),
]
OPEN_CLIP = [
    (r"^embeddings\.token_embedding", "token_embedding"),
    (r"^embeddings\.position_embedding\.weight", "positional_embedding"),
    (r"^final_layer_norm", "ln_final"),
    (r"^encoder\.layers", "transformer.resblocks"),
    (r"layer_norm(\d)", r"ln_\1"),
    (r"self_attn", "attn"),
    (r"mlp\.fc1", "mlp.c_fc"),
    (r"mlp\.fc2", "mlp.c_proj"),
]


def renamed(weights: Weights, names: list[tuple[str, str]], prefix: str) -> Weights:
    def rename(key: str) -> str:
        for pattern, name in names:
            key = re.sub(pattern, name, key)
        return prefix + key

    return {rename(key): weight for key, weight in weights.items()}


def like_stable_diffusion_1(clip: Weights) -> Weights:
    return renamed(clip, [], "cond_stage_model.transformer.text_model.")


def like_stable_diffusion_2(clip: Weights) -> Weights:
    """OpenCLIP's layout, in which query, key and value are one matrix."""
    model = renamed(clip, OPEN_CLIP, "cond_stage_model.model.")
    for kind in ("weight", "bias"):
        for key in [key for key in model if f"attn.q_proj.{kind}" in key]:
            rows = [model.pop(key.replace("q_proj", f"{part}_proj")) for part in "qkv"]
            model[key.replace(f"q_proj.{kind}", f"in_proj_{kind}")] = torch.cat(rows)
    return model


def convert(folder: Path, file: Path, clip: Callable[[Weights], Weights]) -> Path:
    """Write a diffusers folder as a single file."""
    unet = load_file(folder / "unet/diffusion_pytorch_model.safetensors")
    vae = load_file(folder / "vae/diffusion_pytorch_model.safetensors")
    attention = re.compile(r"mid_block\.attentions\.0\.to_.*weight")
    for key in filter(attention.search, vae):
        vae[key] = vae[key][:, :, None, None]  # a convolution over one cell
    weights = {
        **renamed(unet, UNET, "model.diffusion_model."),
        **renamed(vae, VAE, "first_stage_model."),
        **clip(load_file(folder / "text_encoder/model.safetensors")),
        "model_ema.decay": torch.zeros(1),
        "alphas_cumprod": torch.zeros(1000),
    }
    save_file({key: weight.contiguous() for key, weight in weights.items()}, file)
    return file


@pytest.fixture(scope="session")
def single_file(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("single") / "friend.safetensors"
    return convert(tiny_folder, file, like_stable_diffusion_1)


@pytest.fixture
def configs(tiny_folder: Path, tmp_path: Path) -> Path:
    """A folder that says how the checkpoint is built and has no weights."""
    return shutil.copytree(
        tiny_folder, tmp_path / "configs", ignore=shutil.ignore_patterns("*.safetensors")
    )


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("loading reached for the network")

    monkeypatch.setattr("socket.socket.connect", refuse)
    monkeypatch.setattr("huggingface_hub.snapshot_download", refuse)


def catalog_of(folder: Path, text: str) -> Catalog:
    (folder / "catalog.toml").write_text(text)
    return load_catalog(folder / "catalog.toml")


def test_a_single_file_draws_the_pixels_of_its_folder(
    single_file: Path, configs: Path, tiny_folder: Path, make_request: MakeRequest
):
    entry = f'[checkpoints.Friend]\nsource = "{single_file}"\nconfig = "{configs.name}"\n'
    catalog = catalog_of(configs.parent, entry)
    folder = Checkpoint(name="Tiny", source=tiny_folder)
    engine = Engine(Catalog({**catalog.checkpoints, "Tiny": folder}, "Tiny"), CPU, options=PLAIN)
    drawn = [
        pixels(run(engine, make_request(checkpoint=name, num_images=2)))
        for name in ("Friend", "Tiny")
    ]
    assert np.array_equal(*drawn)


def test_stable_diffusion_2_with_its_own_text_encoder_s_layout(
    tiny_2_folder: Path, tmp_path: Path, make_request: MakeRequest
):
    file = convert(tiny_2_folder, tmp_path / "two.safetensors", like_stable_diffusion_2)
    checkpoints = {
        "File": Checkpoint(name="File", source=file, config=tiny_2_folder),
        "Folder": Checkpoint(name="Folder", source=tiny_2_folder),
    }
    engine = Engine(Catalog(checkpoints, "File"), CPU, options=PLAIN)
    drawn = [pixels(run(engine, make_request(checkpoint=name))) for name in checkpoints]
    assert np.array_equal(*drawn)


def test_the_catalog_s_prediction_type_wins(
    single_file: Path, tiny_folder: Path, make_request: MakeRequest
):
    checkpoints = {
        kind: Checkpoint(name=kind, source=single_file, config=tiny_folder, prediction_type=kind)
        for kind in ("epsilon", "v_prediction")
    }
    engine = Engine(Catalog(checkpoints, "epsilon"), CPU, options=PLAIN)
    drawn = [pixels(run(engine, make_request(checkpoint=kind))) for kind in checkpoints]
    assert not np.array_equal(*drawn)
    assert engine._cache._pipelines["v_prediction"].prediction_type == "v_prediction"


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ('source = "{file}"', "friend.safetensors needs config in the catalog"),
        ('source = "{file}"\nconfig = "{file}"', "no such folder"),
        ('source = "{file}"\nconfig = "nowhere"', "neither a folder nor a hub id"),
        ('source = "{file}"\nconfig = "."', "lacks model_index.json"),
        ('source = "gone.safetensors"\nconfig = "configs"', "no such file: .*gone.safetensors"),
        ('source = "model.ckpt"\nconfig = "configs"', "pickled weights are refused.*model.ckpt"),
        ('source = "half.safetensors"\nconfig = "configs"', "lacks VAE and text encoder"),
        ('source = "cut.safetensors"\nconfig = "configs"', "of its .* bytes"),
        ('source = "text.safetensors"\nconfig = "configs"', "is not a safetensors file"),
    ],
)
def test_what_cannot_be_loaded_is_named_at_the_start(
    single_file: Path, configs: Path, entry: str, said: str
):
    base = configs.parent
    (base / "model.ckpt").write_bytes(b"a pickle")
    save_file({"model.diffusion_model.a": torch.zeros(1)}, base / "half.safetensors")
    (base / "cut.safetensors").write_bytes(single_file.read_bytes()[:-1])
    (base / "text.safetensors").write_text("not found")
    with pytest.raises((CheckpointUnavailable, CatalogInvalid)) as refused:
        catalog_of(base, "[checkpoints.Friend]\n" + entry.format(file=single_file))
    assert re.search(said, str(refused.value))
    assert "\n" not in str(refused.value)


def test_the_one_line_setting_says_where_a_single_file_goes(single_file: Path):
    with pytest.raises(CheckpointUnavailable, match="needs config in the catalog"):
        load_catalog(default=str(single_file))


@pytest.mark.parametrize("lost", ["model.diffusion_model.out.2.bias", "first_stage_model.quant"])
def test_a_file_with_holes_fails_its_request_in_one_line(
    single_file: Path, tiny_folder: Path, tmp_path: Path, make_request: MakeRequest, lost: str
):
    weights = load_file(single_file)
    for key in [key for key in weights if key.startswith(lost)]:
        del weights[key]
    save_file(weights, tmp_path / "holes.safetensors")
    holes = Checkpoint(name="Holes", source=tmp_path / "holes.safetensors", config=tiny_folder)
    engine = Engine(Catalog({"Holes": holes}, "Holes"), CPU, options=PLAIN)
    failed = run(engine, make_request(checkpoint="Holes"))[-1]
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, CheckpointUnavailable)
    assert "\n" not in str(failed.error)

"""Control nets and IP-Adapters from the programs' folders to what people choose from."""

from pathlib import Path

import pytest

from generation.catalog.controls import UNION_MODES, find_model, for_family, what_controls
from generation.errors import AdapterUnavailable
from generation.library.headers import from_json, to_json
from generation.library.offers import Looker
from generation.loading.detect import Kind, inspect_file
from tests.generation.library.files import safetensors

ATTENTION = "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight"
HINT = "controlnet_cond_embedding.conv_in.weight"


def net(width: int = 768, **more: list[int]) -> dict[str, list[int]]:
    """Return enough of a net's header to tell what it is."""
    return {HINT: [16, 3, 3, 3], ATTENTION: [320, width], **more}


def lllyasviel(width: int = 768) -> dict[str, list[int]]:
    root = "control_model."
    key = "input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight"
    return {f"{root}input_hint_block.0.weight": [16, 3, 3, 3], f"{root}{key}": [320, width]}


UNION = net(2048, task_embedding=[8, 320], **{"add_embedding.linear_1.weight": [1280, 2816]})
LAYER = "ip_adapter.1.to_k_ip.weight"
BASE = {"image_proj.proj.weight": [3072, 1024], LAYER: [320, 768]}
PLUS = {"image_proj.latents": [1, 16, 768], "image_proj.proj_in.weight": [768, 1280]}
PLUS_XL = {**PLUS, LAYER: [640, 2048]}
FACE = {
    "image_proj.norm.weight": [768],
    "image_proj.proj.0.weight": [1024, 512],
    "ip_adapter.0.to_k_lora.down.weight": [128, 320],
    LAYER: [320, 768],
}
VIT_H = {
    "vision_model.embeddings.class_embedding": [1280],
    "visual_projection.weight": [1024, 1280],
}
LLLITE = {"lllite_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q.depth.0.weight": [4, 4]}
T2I = {"adapter.body.0.resnets.0.block1.weight": [320, 320, 3, 3]}

A1111 = {
    "models/ControlNet/control_v11p_sd15_canny.safetensors": lllyasviel(),
    "models/ControlNet/t2iadapter_depth_sd15.safetensors": T2I,
    "models/ControlNet/ip-adapter-faceid_sd15.safetensors": FACE,
}
COMFY = {
    "models/controlnet/xinsir-union/diffusion_pytorch_model.safetensors": UNION,
    "models/controlnet/OpenPoseSD21.safetensors": net(1024),
    "models/controlnet/kohya_blur_lllite.safetensors": LLLITE,
    "models/ipadapter/ip-adapter_sd15.safetensors": BASE,
    "models/ipadapter/ip-adapter-plus_sdxl_vit-h.safetensors": PLUS_XL,
    "models/clip_vision/CLIP-ViT-H-14.safetensors": VIT_H,
}


def lay(root: Path, files: dict[str, dict[str, list[int]]]) -> Path:
    for name, tensors in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(safetensors(tensors))
    return root


def look(*roots: Path):
    return Looker(roots, Path("no such folder"), None, None)()


def test_nets_of_both_programs_are_offered(tmp_path: Path):
    roots = lay(tmp_path / "a1111", A1111), lay(tmp_path / "comfy", COMFY)
    (roots[1] / "models/controlnet/xinsir-union/config.json").write_text("{}")
    offers = look(*roots)
    controls = offers.catalog.controls
    canny = controls["control_v11p_sd15_canny"]
    assert (canny.family, canny.controls, canny.preprocess) == ("sd1", "canny", "canny")
    pose = controls["OpenPoseSD21"]
    assert (pose.family, pose.controls, pose.preprocess) == ("sd2", "pose", "")
    union = [one for one in controls.values() if one.mode is not None]
    assert [one.name for one in union] == [f"xinsir-union ({mode})" for mode in UNION_MODES]
    assert [one.mode for one in union] == list(range(8))
    assert {(one.family, one.modes) for one in union} == {("sdxl", 8)}
    assert union[0].config == roots[1] / "models/controlnet/xinsir-union/config.json"
    assert len(controls) == 10


def test_ip_adapters_find_the_encoder_that_is_as_wide(tmp_path: Path):
    root = lay(tmp_path, COMFY)
    offers = look(root)
    encoder = root / "models/clip_vision/CLIP-ViT-H-14.safetensors"
    references = offers.catalog.references
    assert {name: (one.family, one.encoder) for name, one in references.items()} == {
        "ip-adapter_sd15": ("sd1", encoder),
        "ip-adapter-plus_sdxl_vit-h": ("sdxl", encoder),
    }
    encoder.unlink()
    offers = look(root)
    assert not offers.catalog.references
    assert any("whose embeddings are 1024 wide" in note for note in offers.notes)
    assert any("whose embeddings are 1280 wide" in note for note in offers.notes)


def test_what_cannot_be_used_is_said(tmp_path: Path):
    notes = look(lay(tmp_path / "a", A1111), lay(tmp_path / "b", COMFY)).notes
    said = "\n".join(notes)
    assert "is a T2I-Adapter, which is not supported" in said
    assert "is a ControlNet-LLLite, which is not supported" in said
    assert "needs a face's embedding" in said


def test_pickles_stay_shut(tmp_path: Path):
    folder = tmp_path / "models" / "controlnet"
    folder.mkdir(parents=True)
    (folder / "control_v11p_sd15_canny.pth").write_bytes(b"\x80\x02pickle")
    offers = look(tmp_path)
    assert not offers.catalog.controls


def test_a_face_s_adapter_is_no_lora_for_its_loras(tmp_path: Path):
    file = lay(tmp_path, {"face.safetensors": FACE}) / "face.safetensors"
    found = inspect_file(file)
    assert (found.kind, found.family, found.algorithm) == (Kind.IP_ADAPTER, "sd1", "face")
    assert from_json(file, to_json(found)) == found


@pytest.mark.parametrize(
    ("name", "controls"),
    [
        ("control_v11p_sd15_canny_fp16", "canny"),
        ("control_v11f1p_sd15_depth", "depth"),
        ("control_v11p_sd15_openpose", "pose"),
        ("OpenPoseXL2", "pose"),
        ("diffusers_xl_canny_full", "canny"),
        ("control_v11p_sd15s2_lineart_anime", "lineart"),
        ("control_v11f1e_sd15_tile", "tile"),
        ("control_v1p_sd15_qrcode_monster", "qr"),
        ("control_v11e_sd15_ip2p", "ip2p"),
        ("xinsir-scribble-sdxl-1.0", "scribble"),
        ("thibaud_xl_openpose", "pose"),
        ("control_v11p_sd15_inpaint_fp16", "inpaint"),
        ("noobaiXLControlnet_epsCanny", "canny"),
        ("control_v11e_sd15_shuffle", "shuffle"),
        ("a picture of something", ""),
    ],
)
def test_a_name_says_what_a_net_reads(name: str, controls: str):
    assert what_controls(name) == controls


def test_a_net_is_found_by_its_name_or_by_what_it_reads(tmp_path: Path):
    controls = look(lay(tmp_path / "a", A1111), lay(tmp_path / "b", COMFY)).catalog.controls
    canny = controls["control_v11p_sd15_canny"]
    for name in ("control_v11p_sd15_canny", "CONTROL_V11P_SD15_CANNY", "Canny", "control_v11p"):
        assert find_model(name, controls, "sd1") is canny
    assert find_model("canny", controls, "sdxl").name == "xinsir-union (canny)"
    assert find_model("openpose", controls, "sd2").name == "OpenPoseSD21"
    with pytest.raises(AdapterUnavailable, match="the most similar names are control_v11p_sd15"):
        find_model("control_v11_cany", controls, "sd1")
    with pytest.raises(AdapterUnavailable, match="was made for Stable Diffusion 2, not for"):
        find_model("OpenPoseSD21", controls, "sd1")
    with pytest.raises(AdapterUnavailable, match="there is none for Flux here"):
        find_model("nothing like it", controls, "flux")
    assert for_family(controls, "sd2")[0] == "OpenPoseSD21"

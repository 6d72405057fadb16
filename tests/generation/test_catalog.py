import re
from pathlib import Path

import pytest

from generation.architectures import ARCHITECTURES, DISTILLED
from generation.catalog import EMBEDDED, Checkpoint, load_catalog
from generation.errors import (
    CatalogInvalid,
    CheckpointUnavailable,
    GenerationError,
    InvalidRequest,
)
from generation.request import Aspect, GenerationRequest, Sampler

HUB_ID = "stable-diffusion-v1-5/stable-diffusion-v1-5"


def write(folder: Path, text: str) -> Path:
    file = folder / "catalog.toml"
    file.write_text(text)
    return file


def test_without_settings_there_is_the_embedded_checkpoint():
    catalog = load_catalog()
    assert (catalog.names, catalog.default) == (("Emoji",), "Emoji")
    assert catalog["Emoji"] is EMBEDDED
    assert EMBEDDED.size == 128


def test_an_owners_file(tmp_path: Path, tiny_folder: Path):
    (tmp_path / "tiny").symlink_to(tiny_folder)
    catalog = load_catalog(
        write(
            tmp_path,
            f"""
            default = "Real"
            [checkpoints.Tiny]
            source = "tiny"
            size = 32
            guidance_scale = 3
            sampler = "Euler"
            [checkpoints.Real]
            source = "{HUB_ID}"
            revision = "main"
            num_inference_steps = 30
            age_restricted = true
            """,
        )
    )
    assert catalog.names == ("Tiny", "Real", "Emoji")
    assert catalog.default == "Real"
    assert catalog["Tiny"] == Checkpoint(
        name="Tiny",
        source=tiny_folder.resolve(),
        size=32,
        guidance_scale=3,
        sampler=Sampler.EULER,
    )
    assert catalog["Real"] == Checkpoint(
        name="Real", source=HUB_ID, revision="main", num_inference_steps=30, age_restricted=True
    )
    assert not catalog["Tiny"].age_restricted


def test_the_first_of_the_file_is_the_default_unless_one_is_named(tmp_path: Path):
    file = write(tmp_path, f'[checkpoints.A]\nsource="{HUB_ID}"\n[checkpoints.B]\nsource="b/b"')
    assert load_catalog(file).default == "A"
    assert load_catalog(file, "B").default == "B"
    assert load_catalog(file, "Emoji").default == "Emoji"


def test_the_one_line_setting_takes_a_hub_id():
    catalog = load_catalog(default=HUB_ID)
    assert catalog.names == ("Emoji", "Stable Diffusion v1.5")
    real = catalog[catalog.default]
    assert (real.source, real.size, real.num_inference_steps) == (HUB_ID, 512, 25)
    assert (real.guidance_scale, real.sampler) == (7.5, Sampler.DPMPP_2M_KARRAS)
    assert load_catalog(default="someone/Dreams-2").default == "Dreams-2"


def test_the_one_line_setting_takes_a_folder(tiny_folder: Path, tmp_path: Path):
    assert load_catalog(default=str(tiny_folder)).default == "tiny"
    namesake = tmp_path / "Emoji"
    namesake.symlink_to(tiny_folder)
    # A folder is known by its real name, and by its whole path where that name is taken.
    assert load_catalog(default=str(namesake))["tiny"].source == tiny_folder.resolve()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("default = ", "not valid TOML"),
        ("loras = 1", "unknown key loras"),
        ("styles = 1", "styles must be tables"),
        ("[styles.A]", "styles.A.prompt is missing"),
        ("[styles.A]\nprompt = 1", "styles.A.prompt must be text, not 1"),
        (
            "[styles.A]\nprompt = 'ink'",
            "styles.A: prompt must be a text that contains {prompt} once",
        ),
        ("[styles.A]\nprompt = '{prompt} {prompt}'", "styles.A: prompt must be a text that"),
        ("[styles.A]\nprompt = '{prompt} {b}'", "styles.A: prompt must be a text that contains"),
        ("[styles.A]\nprompt = '({prompt}:9)'", "styles.A: prompt must"),
        ("[styles.A]\nprompt = '{prompt}'\ntext = ''", "styles.A.text is unknown; known are pr"),
        ("[styles.A]\nprompt = '{prompt}'\nage_restricted = 1", "age_restricted must be true or"),
        ("[styles.A]\nprompt = '{prompt}'\ncheckpoints = 'B'", "checkpoints must be a list of n"),
        ("[styles.A]\nprompt = '{prompt}'\ncheckpoints = ['B']", "checkpoints names 'B', which"),
        ("[styles.A]\nprompt = '{prompt}'\ncheckpoints = [1]", "checkpoints names 1, which is"),
        ("[styles.None]\nprompt = '{prompt}'", "styles.None: name must be 1 to 100 characters"),
        ("checkpoints = 1", "checkpoints must be tables"),
        ("[checkpoints]\nA = 1", "checkpoints.A must be a table"),
        ("[checkpoints.A]", "checkpoints.A.source is missing"),
        ("[checkpoints.A]\nsource = 1", "checkpoints.A.source must be text, not 1"),
        ("[checkpoints.A]\nsource = 'a/b'\nsteps = 1", "checkpoints.A.steps is unknown"),
        ("[checkpoints.A]\nsource = 'a/b'\nsize = 512.0", "size must be a whole number"),
        ("[checkpoints.A]\nsource = 'a/b'\nsize = true", "size must be a whole number"),
        ("[checkpoints.A]\nsource = 'a/b'\nsize = 100", "size must be a multiple of 8"),
        ("[checkpoints.A]\nsource = 'a/b'\nsize = 4096", "size must be 32 to 1536"),
        ("[checkpoints.A]\nsource = 'a/b'\nguidance_scale = nan", "guidance_scale must be 0.0 to"),
        (
            "[checkpoints.A]\nsource = 'a/b'\nguidance_scale = '7'",
            "guidance_scale must be a number",
        ),
        ("[checkpoints.A]\nsource = 'a/b'\nnum_inference_steps = 0", "num_inference_steps must be"),
        (
            "[checkpoints.A]\nsource = 'a/b'\nsampler = 'Eular'",
            "sampler must be one of DDIM, Euler",
        ),
        ("[checkpoints.A]\nsource = 'a/b'\nlcm = 1", "lcm must be true or false, not 1"),
        ("[checkpoints.A]\nsource = 'a/b'\nsampler = 'LCM'", "unless lcm = true"),
        (
            "[checkpoints.A]\nsource = 'a/b'\nage_restricted = 'yes'",
            "checkpoints.A.age_restricted must be true or false, not 'yes'",
        ),
        (
            "[checkpoints.A]\nsource = 'a/b'\nsampler = 'LCM'\nlcm = true\n"
            "num_inference_steps = 60",
            "num_inference_steps must be 1 to 50",
        ),
        (
            "[checkpoints.A]\nsource = 'a/b'\nprediction_type = 'sample'",
            "prediction_type must be epsilon or v_prediction",
        ),
        ("[checkpoints.'']\nsource = 'a/b'", "name must be 1 to 100 characters"),
        ("default = 'B'\n[checkpoints.A]\nsource = 'a/b'", "default must name one of its"),
        ("default = ['B']", "default must name one of its"),
    ],
)
def test_a_malformed_file_is_refused_in_one_line(tmp_path: Path, text: str, said: str):
    file = write(tmp_path, text)
    with pytest.raises(CatalogInvalid) as refused:
        load_catalog(file)
    assert said in str(refused.value)
    assert str(file) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_files_that_cannot_be_read(tmp_path: Path):
    with pytest.raises(CatalogInvalid, match="No such file"):
        load_catalog(tmp_path / "missing.toml")
    with pytest.raises(CatalogInvalid, match="directory"):
        load_catalog(tmp_path)
    (tmp_path / "catalog.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(CatalogInvalid, match="not valid TOML"):
        load_catalog(tmp_path / "catalog.toml")


@pytest.mark.parametrize("setting", ["./nowhere", "/no/such/folder", "Emojis", "a/b/c", "a b/c"])
def test_a_setting_that_names_nothing(setting: str):
    with pytest.raises(CheckpointUnavailable, match="neither a folder nor a hub id") as refused:
        load_catalog(default=setting)
    assert setting in str(refused.value)


def test_an_incomplete_folder_is_found_at_the_start(tmp_path: Path):
    (tmp_path / "half").mkdir()
    file = write(tmp_path, '[checkpoints.Half]\nsource = "half"')
    with pytest.raises(GenerationError, match=r'checkpoint "Half": .* lacks model_index.json'):
        load_catalog(file)


def test_lcm_is_offered_only_where_the_catalog_says_so():
    assert set(EMBEDDED.samplers) == set(Sampler) - DISTILLED
    assert Checkpoint(name="x", source="a/b", lcm=True).samplers == tuple(Sampler)


def test_an_unknown_name_says_what_there_is():
    with pytest.raises(CheckpointUnavailable, match="not in the catalog, which has Emoji"):
        load_catalog()["Emojy"]


@pytest.mark.parametrize("size", [64, 512, 768])
@pytest.mark.parametrize("aspect", Aspect)
def test_sizes_keep_the_aspect_and_the_area(size: int, aspect: Aspect):
    width, height = Checkpoint(name="x", source="a/b", size=size).size_for(aspect)
    assert width % 8 == height % 8 == 0
    assert width * height == pytest.approx(size**2, rel=0.1)
    assert width / height == pytest.approx(aspect.ratio, rel=0.08)


def test_the_embedded_checkpoint_s_sizes():
    sizes = [EMBEDDED.size_for(aspect) for aspect in Aspect]
    assert sizes == [(128, 128), (104, 160), (160, 104), (168, 96), (96, 168)]


def test_the_sizes_of_stable_diffusion_xl_are_those_it_was_trained_on():
    sizes = [Checkpoint(name="x", source="a/b", family="sdxl").size_for(one) for one in Aspect]
    assert sizes == [(1024, 1024), (832, 1216), (1216, 832), (1344, 768), (768, 1344)]
    smaller = Checkpoint(name="x", source="a/b", family="sdxl", size=512)
    for aspect in Aspect:
        width, height = smaller.size_for(aspect)
        assert width % 64 == height % 64 == 0
        assert width * height == pytest.approx(512**2, rel=0.2)
    with pytest.raises(InvalidRequest, match="size must be a multiple of 64"):
        Checkpoint(name="x", source="a/b", family="sdxl", size=1000)


@pytest.mark.parametrize("aspect", Aspect)
@pytest.mark.parametrize("family", ARCHITECTURES)
def test_what_a_family_recommends_is_a_request(family: str, aspect: Aspect):
    checkpoint = Checkpoint(name="x", source="a/b", family=family)
    width, height = checkpoint.size_for(aspect)
    GenerationRequest(
        prompt="a",
        checkpoint="x",
        family=family,
        width=width,
        height=height,
        num_inference_steps=checkpoint.num_inference_steps,
        guidance_scale=checkpoint.guidance_scale,
        sampler=checkpoint.sampler,
        seed=0,
    )
    assert width * height == pytest.approx(checkpoint.size**2, rel=0.1)
    assert width / height == pytest.approx(aspect.ratio, rel=0.08)


def test_what_a_distillation_needs_can_be_said(tmp_path: Path):
    file = write(
        tmp_path,
        f"""
        [checkpoints.Fast]
        source = "{HUB_ID}"
        family = "sdxl"
        timestep_spacing = "trailing"
        zero_terminal_snr = true
        guidance_scale = 0
        num_inference_steps = 1
        lcm = true
        sampler = "TCD"
        """,
    )
    fast = load_catalog(file)["Fast"]
    assert fast.scheduler_settings == {
        "timestep_spacing": "trailing",
        "rescale_betas_zero_snr": True,
    }
    assert (fast.size, fast.sampler) == (1024, Sampler.TCD)
    for text, said in (
        ("timestep_spacing = 'even'", "timestep_spacing must be leading, trailing or linspace"),
        ("family = 'sd0'", "family must be one of sd1, sd2 or"),
        ("zero_terminal_snr = 1", "zero_terminal_snr must be true or false, not 1"),
    ):
        wrong = write(tmp_path, f"[checkpoints.A]\nsource='a/b'\n{text}")
        with pytest.raises(CatalogInvalid, match=re.escape(said.removesuffix(" or"))):
            load_catalog(wrong)

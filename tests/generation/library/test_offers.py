"""From folders, the owner's catalog and what lies beside files to what people choose from."""

import os
import shutil
from pathlib import Path

import pytest

from generation.catalog import EMBEDDED, Checkpoint
from generation.catalog.defaults import settings_in
from generation.embedded import CHECKPOINT
from generation.errors import CatalogInvalid, CheckpointUnavailable
from generation.library.offers import Looker
from generation.loading.detect import Kind, ModelFile, Part
from generation.request import Sampler
from tests.generation.library.files import safetensors, write

UNKEPT = Path("no such folder")  # in which what was read would be kept


@pytest.fixture
def models(tmp_path: Path) -> Path:
    folder = tmp_path / "models" / "checkpoints"
    folder.mkdir(parents=True)
    for name in ("one", "two"):
        shutil.copytree(CHECKPOINT, folder / name, copy_function=os.link)
    return folder


def look(models: Path, text: str | None = None, default: str | None = None):
    file = None
    if text is not None:
        file = models.parent / "catalog.toml"
        file.write_text(text, "utf-8")
    return Looker([models.parent], UNKEPT, file, default)()


def test_a_folder_is_enough(models: Path):
    offers = look(models)
    assert offers.catalog.names == ("one", "two", "Emoji")
    assert offers.notes == ()
    one = offers.catalog["one"]
    assert (one.source, one.family, one.size) == (models / "one", "sd1", 512)
    assert offers.catalog.default == "one"  # which has been there as long, and is first


def test_the_owner_s_file_says_more_of_what_lies_there(models: Path):
    offers = look(
        models,
        """
        default = "Best"
        [checkpoints.one]
        title = "Best"
        size = 128
        roles = [42, "43"]
        [checkpoints.Two]
        source = "checkpoints/two"
        age_restricted = true
        [styles.Ink]
        prompt = "{prompt}, ink"
        checkpoints = ["Best", "Two"]
        """,
    )
    catalog = offers.catalog
    assert (catalog.names, catalog.default, offers.notes) == (("Best", "Two", "Emoji"), "Best", ())
    best, two = catalog["Best"], catalog["Two"]
    assert (best.size, best.roles, best.source) == (128, (42, 43), models / "one")
    assert (two.age_restricted, two.family) == (True, "sd1")
    assert catalog.for_everybody().names == ("Emoji",)
    assert catalog.for_person(frozenset({43}), age_restricted=False).names == ("Best", "Emoji")


def test_what_names_something_that_is_gone_is_said_and_passed_over(models: Path):
    text = """
        default = "gone"
        [checkpoints.gone]
        size = 64
        [checkpoints.away]
        source = "checkpoints/away.safetensors"
        [styles.Ink]
        prompt = "{prompt}, ink"
        checkpoints = ["gone", "one"]
        """
    offers = look(models, text, default="vanished")
    assert offers.catalog.names == ("one", "two", "Emoji")
    assert offers.catalog.default == "one"
    told = "\n".join(offers.notes)
    for line in (
        'checkpoint "gone": it has no source',
        'checkpoint "away": no such file: ',
        "styles.Ink.checkpoints names 'gone'",
        "default must name one of its checkpoints, not 'gone'",
        'checkpoint "vanished"',
    ):
        assert line in told
    assert len(offers.notes) == 5
    (models.parent / "catalog.toml").write_text("size = [")
    with pytest.raises(CatalogInvalid):
        Looker([models.parent], UNKEPT, models.parent / "catalog.toml", None)()


def test_without_folders_a_wrong_name_is_a_mistake(tmp_path: Path):
    with pytest.raises(CheckpointUnavailable):
        Looker([tmp_path / "none"], UNKEPT, None, "vanished")()
    assert Looker([tmp_path / "none"], UNKEPT, None, None)().catalog.names == ("Emoji",)


def test_what_lies_beside_a_file_adds_to_it(models: Path):
    (models / "one.toml").write_text(
        'title = "Best"\nsampler = "Euler"\nnum_inference_steps = 9\nage_restricted = true\n'
        "roles = [7]\nsize = 256\nguidance_scale = 3\n"
    )
    (models / "one.preview.png").write_bytes(b"x")
    offers = look(models)
    best = offers.catalog["Best"]
    assert best == Checkpoint(
        name="Best",
        source=models / "one",
        family="sd1",
        prediction_type="v_prediction",
        sampler=Sampler.EULER,
        num_inference_steps=9,
        guidance_scale=3,
        size=256,
        age_restricted=True,
        roles=(7,),
        picture=models / "one.preview.png",
        changed=best.changed,
    )


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("sise = 3", "one.toml: one.sise is unknown; known are"),
        ("size = 3", "one.toml: size must be 32 to"),
        ("size = 'big'", "one.toml: one.size must be a whole number, not 'big'"),
        ("sampler = 'Best'", "one.toml: one.sampler must be one of DDIM"),
        ("sampler = 'LCM'", "one.toml: sampler must be"),
        ("roles = []", "one.toml: one.roles must be 1 to 100 ids"),
        ("roles = ['@mods']", "one.toml: one.roles must be 1 to 100 ids"),
        ("roles = [true]", "one.toml: one.roles must be 1 to 100 ids"),
        ("roles = 'x'", "one.toml: one.roles must be 1 to 100 ids"),
        ("source = 'x'", "one.toml: one.source is unknown"),
        ("config = '/nowhere'", "one.toml: /nowhere is neither"),
        ("guidance_scale = nan", "one.toml: guidance_scale must be"),
        ("a = 1\na = 2", "one.toml: not valid TOML"),
    ],
)
def test_a_mistake_beside_a_file_is_a_line_and_keeps_it_out(models: Path, said: str, told: str):
    (models / "one.toml").write_text(said)
    offers = look(models)
    assert offers.catalog.names == ("two", "Emoji")
    (note,) = offers.notes
    assert note.startswith(f"{models / 'one'}: {told}")
    assert "\n" not in note


def test_what_is_no_checkpoint_is_said_where_one_is_expected(models: Path):
    write(models / "Größe.safetensors")
    write(models.parent / "loras" / "fine.safetensors")
    (models / "old.ckpt").write_bytes(b"PK")
    notes = look(models).notes
    assert notes == (
        f"{models}/Größe.safetensors is a LoRA, not a checkpoint",
        f"pickled weights are refused; safetensors only, not {models}/old.ckpt",
    )


def test_what_is_no_lora_is_said_among_loras(models: Path):
    loras = models.parent / "loras"
    loras.mkdir()
    (loras / "cut.safetensors").write_bytes((20).to_bytes(8, "little") + b"{")
    other = safetensors({"somebody.s.weight": [16, 8], "somebody.s.bias": [16]})
    (loras / "other.safetensors").write_bytes(other)
    (loras / "old.pt").write_bytes(b"")
    notes = look(models).notes
    named = [sum(f"{name}." in note for note in notes) for name in ("cut", "other", "old")]
    assert named == [1, 1, 1]


def test_a_changed_file_is_another_checkpoint(models: Path):
    before = look(models).catalog["one"]
    assert look(models).catalog["one"] == before
    weights = models / "one" / "unet" / "diffusion_pytorch_model.safetensors"
    content = weights.read_bytes()
    weights.unlink()
    weights.write_bytes(content)
    assert look(models).catalog["one"] != before


@pytest.mark.parametrize(
    ("name", "distilled", "wanted"),
    [
        ("nice lcm", "lcm", (Sampler.LCM, 6, 1.0)),
        ("nice_lightning_4step", "lightning", (Sampler.EULER, 4, 1.0)),
        ("hyper 12steps", "hyper", (Sampler.DDIM, 12, 1.0)),
        ("nice turbo 2step_v3", "turbo", (Sampler.EULER_A, 2, 1.0)),
        ("nice 8stephanie", None, (Sampler.DPMPP_2M_KARRAS, 25, 7.5)),
    ],
)
def test_distilled_files_get_what_they_are_made_for(name: str, distilled: str | None, wanted):
    path = Path(f"{name}.safetensors")
    file = ModelFile(path=path, kind=Kind.CHECKPOINT, family="sd1", distillation=distilled)
    made = Checkpoint(name="x", source=path, **settings_in(file))
    assert (made.sampler, made.num_inference_steps, made.guidance_scale) == wanted


@pytest.mark.parametrize(
    ("name", "family", "denoiser", "wanted"),
    [
        ("sd3.5_large_turbo", "sd3", 8_100_000_000, ("sd3-large", 4, 1.0)),
        ("sd3.5_large", "sd3", 8_100_000_000, ("sd3-large", 28, 3.5)),
        ("sd3.5_medium", "sd3", 2_500_000_000, ("sd3", 40, 4.5)),
        ("z_image_turbo", "z_image", 6_200_000_000, ("z-image", 8, 1.0)),
    ],
)
def test_distilled_files_of_flow_matching(name: str, family: str, denoiser: int, wanted):
    path = Path(f"{name}.safetensors")
    file = ModelFile(
        path=path,
        kind=Kind.CHECKPOINT,
        family=family,
        distillation="turbo" if "turbo" in name else None,
        parts={Part.DENOISER: denoiser},
    )
    made = Checkpoint(name="x", source=path, **settings_in(file))
    assert made.sampler == Sampler.EULER
    assert (made.family, made.num_inference_steps, made.guidance_scale) == wanted


def test_names_that_are_taken_stay_whose_they_are(models: Path):
    (models / "one.toml").write_text(f'title = "{EMBEDDED.name}"')
    catalog = look(models, '[checkpoints.TWO]\nsource = "ann/two"').catalog
    assert catalog[EMBEDDED.name] is EMBEDDED
    assert catalog["TWO"].source == "ann/two"
    assert catalog.names == ("TWO", "Emoji (2)", "two (2)", "Emoji")
    assert catalog["two (2)"].source == models / "two"

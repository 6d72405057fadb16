"""LoRAs and embeddings in folders, as the catalog has them."""

import json
import struct
from pathlib import Path

import pytest

from generation.architectures import Sampler
from generation.catalog import Offers
from generation.catalog.adapters import Adapter, Distillation
from generation.errors import AdapterUnavailable, CatalogInvalid
from generation.library.offers import Looker
from generation.prompts.adapters import AdapterUse
from tests.generation.library.files import write

UNKEPT = Path("no such folder")  # in which what was read would be kept
SHA256 = "ab" * 32


@pytest.fixture
def loras(tmp_path: Path) -> Path:
    return write(tmp_path / "models" / "loras" / "ink.safetensors").parent


def look(loras: Path, text: str | None = None) -> Offers:
    file = None
    if text is not None:
        file = loras.parent / "catalog.toml"
        file.write_text(text, "utf-8")
    return Looker([loras.parent], UNKEPT, file, None)()


def test_a_file_is_enough(loras: Path):
    offers = look(loras)
    assert offers.notes == ()
    assert offers.catalog.adapters == {
        "ink": Adapter(name="ink", path=loras / "ink.safetensors", family="sd1")
    }
    assert offers.catalog.embeddings == {}


def test_the_header_says_how_it_is_called_and_asked_for(loras: Path):
    frequency = {"5_ink": {"ink style": 40, "1girl": 21, "cat": 3}, "1_more": {"1girl": 4}}
    write(
        loras / "wash.safetensors",
        ss_output_name="Ink_Wash-v2",
        ss_tag_frequency=json.dumps(frequency),
        sshs_model_hash=SHA256,
        **{"modelspec.title": "Ink wash"},
    )
    catalog = look(loras).catalog
    wash = catalog.adapter("ink_wash-V2")
    assert (wash.name, wash.title) == ("wash", "Ink wash")
    assert wash.triggers == ("ink style", "1girl")
    assert wash.tensors_sha256 == SHA256
    for name in ("WASH", "style/wash.safetensors", "a\\wash", "ink wash"):
        assert catalog.adapter(name) is wash
    write(loras / "said.safetensors", **{"modelspec.trigger_phrase": "in ink, wet"})
    assert look(loras).catalog.adapters["said"].triggers == ("in ink, wet",)


@pytest.mark.parametrize("tags", ["[]", "{", '{"a": 1}', '{"a": {"b": "c"}}', '{"a": {"b": -1}}'])
def test_tags_that_cannot_be_read_are_none(loras: Path, tags: str):
    write(loras / "ink.safetensors", ss_tag_frequency=tags)
    assert look(loras).catalog.adapters["ink"].triggers == ()


def test_other_programs_say_more_beside_it(loras: Path):
    (loras / "ink.civitai.info").write_text(
        json.dumps(
            {
                "name": "v2",
                "trainedWords": ["inkish", " wet ink,", 3],
                "model": {"name": "Ink", "nsfw": True},
                "files": [{"hashes": {"SHA256": SHA256.upper()}}],
            }
        )
    )
    (loras / "ink.json").write_text(
        json.dumps({"activation text": "never", "preferred weight": 0.7})
    )
    (loras / "ink.preview.png").write_bytes(b"x")
    ink = look(loras).catalog.adapters["ink"]
    assert (ink.title, ink.triggers, ink.weight) == ("Ink v2", ("inkish", "wet ink"), 0.7)
    assert (ink.age_restricted, ink.sha256) == (True, SHA256)
    assert ink.picture == loras / "ink.preview.png"


def test_its_owner_has_the_last_word(loras: Path):
    write(loras / "lcm-lora.safetensors")
    (loras / "ink.civitai.info").write_text(json.dumps({"model": {"name": "Ink", "nsfw": True}}))
    (loras / "ink.toml").write_text(
        'title = "Mine"\ntrigger_words = ["drop"]\nweight = 0.5\nage_restricted = false\n'
        'roles = [7]\nfamily = "sdxl"\nsampler = "LCM"\nnum_inference_steps = 4\n'
    )
    offers = look(
        loras,
        '[adapters.INK]\nroles = [8, "9"]\nguidance_scale = 2\n'
        '[adapters.Fast]\nsource = "loras/lcm-lora.safetensors"\nnum_inference_steps = 5\n',
    )
    assert offers.notes == ()
    assert list(offers.catalog.adapters) == ["ink", "Fast"]
    ink, fast = offers.catalog.adapters.values()
    assert (ink.title, ink.triggers, ink.weight, ink.family) == ("Mine", ("drop",), 0.5, "sdxl")
    assert (ink.age_restricted, ink.roles) == (False, (8, 9))
    assert ink.distillation == Distillation(Sampler.LCM, 4, 2)
    assert fast.distillation == Distillation(Sampler.LCM, 5, 1.0)
    theirs = offers.catalog.for_person(frozenset(), age_restricted=False)
    assert theirs.adapter_names == ("Fast",)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("sise = 3", "ink.toml: ink.sise is unknown; known are title"),
        ("weight = 3", "ink.toml: ink: weight must be -2"),
        ("weight = nan", "ink.toml: ink: weight must be -2"),
        ("trigger_words = 'x'", "ink.toml: ink.trigger_words must be a list"),
        ("trigger_words = [3]", "ink.toml: ink.trigger_words must be a list of texts"),
        ("trigger_words = ['']", "ink.toml: ink: trigger_words must be at most 20 texts of 1 to"),
        ("family = 'sd9'", "ink.toml: ink.family must be one of sd1"),
        ("sampler = 'Best'", "ink.toml: ink.sampler must be one of DDIM"),
        ("num_inference_steps = 0", "ink.toml: ink: num_inference_steps must be 1 to"),
        ("guidance_scale = inf", "ink.toml: ink: guidance_scale must be"),
        ("roles = []", "ink.toml: ink.roles must be 1 to 100 ids"),
        ("source = 'x'", "ink.toml: ink.source is unknown"),
    ],
)
def test_a_mistake_beside_a_file_is_a_line_and_keeps_it_out(loras: Path, said: str, told: str):
    (loras / "ink.toml").write_text(said)
    offers = look(loras)
    assert offers.catalog.adapters == {}
    (note,) = offers.notes
    assert note.startswith(told)
    assert "\n" not in note


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("[adapters.gone]\nweight = 1", '"gone": it has no source'),
        ("[adapters.gone]\nsource = 'gone.safetensors'", '"gone": no such file: '),
    ],
)
def test_what_is_gone_is_said_and_passed_over(loras: Path, said: str, told: str):
    offers = look(loras, said)
    assert list(offers.catalog.adapters) == ["ink"]
    (note,) = offers.notes
    assert note.startswith(told)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("adapters = 3", "adapters must be tables"),
        ("[adapters.gone]\nsise = 1", "adapters.gone.sise is unknown"),
        ("[adapters.ink]\nsource = 'owner/name'", "adapters.ink.source must be a file"),
        ("[adapters.ink]\nweight = 'x'", "adapters.ink.weight must be a number"),
        ("[adapters.'<x>']\nsource = 'loras/ink.safetensors'", "adapters.<x>: name must be"),
    ],
)
def test_a_mistake_in_the_catalog_is_one(loras: Path, said: str, told: str):
    with pytest.raises(CatalogInvalid, match=told):
        look(loras, said)


def test_styles_may_name_some(loras: Path):
    said = '[styles.Wet]\nprompt = "{prompt}"\nadapters = ["INK:0.5", "ink:0.25:1", "gone"]'
    offers = look(loras, said)
    assert offers.catalog.styles["Wet"].adapters == (
        AdapterUse("INK", 0.75, 1.5),
        AdapterUse("gone"),
    )
    (note,) = offers.notes
    assert "styles.Wet.adapters names 'gone', which is none of them" in note
    with pytest.raises(CatalogInvalid, match=r"styles\.Wet: adapters must be .* LoRA weights"):
        look(loras, '[styles.Wet]\nprompt = "{prompt}"\nadapters = ["ink:3"]')


def test_names_are_each_their_own_and_can_be_typed(loras: Path):
    for place in ("a", "b", "b/b"):
        write(loras / place / "INK.safetensors")
    write(loras / "a<b>c.safetensors")
    names = look(loras).catalog.adapters
    assert list(names) == ["abc", "ink", "a/INK", "b/INK", "b/INK (2)"]
    assert all(name == one.name for name, one in names.items())


def test_an_unknown_name_is_told_with_the_nearest(loras: Path):
    write(loras / "watercolour.safetensors")
    catalog = look(loras).catalog
    with pytest.raises(AdapterUnavailable, match=r"most similar names are watercolour$"):
        catalog.adapter("water color")
    with pytest.raises(AdapterUnavailable, match=r"not among the LoRAs here$"):
        catalog.adapter("zzz")


def embedding(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    head = json.dumps(
        {"emb_params": {"dtype": "F16", "shape": [1, 768], "data_offsets": [0, 1536]}}
    )
    path.write_bytes(struct.pack("<Q", len(head)) + head.encode() + bytes(1536))
    return path


def test_embeddings_are_offered_and_pickled_ones_only_where_they_belong(loras: Path):
    folder = loras.parent / "embeddings"
    word = embedding(folder / "easynegative.safetensors")
    (folder / "old.pt").write_bytes(b"PK")
    (loras.parent / "vae").mkdir()
    (loras.parent / "vae" / "best.pt").write_bytes(b"PK")
    catalog = look(loras).catalog
    assert list(catalog.embeddings) == ["easynegative", "old"]
    assert catalog.embeddings["easynegative"] == Adapter(
        name="easynegative", path=word, family="sd1"
    )

"""LoRAs and embeddings in what people say and bring."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.jobs.derived.remixing import form_of, remix
from bot.core.new_jobs import new_job_of
from bot.db.records import Kind, NewJob
from bot.features.inspect.service import likeness
from bot.options import describe, stored
from bot.options.adapters.asked import choices
from bot.options.arguments import all_said
from bot.options.errors import PromptError
from bot.options.image_options import ImageOptions
from bot.options.registry import OPTIONS
from bot.options.resolve import Layers, complete, request_of
from generation.architectures import Sampler
from generation.catalog import EMBEDDED, Catalog, Checkpoint
from generation.catalog.adapters import Adapter, Distillation
from generation.errors import AdapterUnavailable, GenerationError, InvalidRequest
from generation.metadata import infotext
from generation.metadata.infotext import Parameters, parse
from generation.prompts.adapters import AdapterUse
from generation.request import GenerationRequest
from generation.styles import Style

FEW = Distillation(Sampler.LCM, 4, 1.0)


def lora(name: str, family: str = "sd1", **more: object) -> Adapter:
    return Adapter(name=name, path=Path(f"{name}.safetensors"), family=family, **more)


COMMA = AdapterUse("a,b", 0.8, 0.8)
ADAPTERS = {
    one.name: one
    for one in (
        lora("big", "sdxl"),
        lora("Ink Wash", alias="inkwash_v2", triggers=("ink style", "wet"), weight=0.7),
        lora("paper"),
        lora("lcm", distillation=FEW),
        lora("a,b"),
        lora("hidden", age_restricted=True),
    )
}
CATALOG = Catalog(
    {
        EMBEDDED.name: EMBEDDED,
        "Large": Checkpoint(name="Large", source="a/b", family="sdxl"),
    },
    EMBEDDED.name,
    {"Inked": Style(name="Inked", prompt="{prompt}, ink", adapters=(AdapterUse("paper", 0.5),))},
    adapters=ADAPTERS,
    embeddings={"bad hands": lora("bad hands"), "neg": lora("neg")},
).for_everybody()


def said(prompt: str, **more: object) -> ImageOptions:
    (one,) = all_said(ImageOptions(more, prompt=prompt), CATALOG)
    return one


def asked(prompt: str, **more: object) -> GenerationRequest:
    return request_of(CATALOG, complete(CATALOG, said(prompt, **more), Layers()))


INK = AdapterUse("Ink Wash", 0.8, 0.8)


@pytest.mark.parametrize(
    ("prompt", "more", "uses"),
    [
        ("a fox <lora:Ink Wash:0.8>", {}, [INK]),
        ("a <lora:ink wash:0.8> fox", {}, [INK]),
        ("<lyco: INK WASH : .8 >, a fox", {}, [INK]),
        ("a fox <lora:inkwash_v2:0.8>", {}, [INK]),
        ("a fox <lora:style/ink wash.safetensors:0.8>", {}, [INK]),
        ("a fox <lora:ink wash>", {}, [AdapterUse("Ink Wash")]),
        ("a fox <lora:ink wash:0.8:0.5>", {}, [AdapterUse("Ink Wash", 0.8, 0.5)]),
        ("a fox <lora:ink wash:te=0.5:unet=0.8>", {}, [AdapterUse("Ink Wash", 0.8, 0.5)]),
        ("a fox --lora ink wash:0.8", {}, [INK]),
        ('a fox --lora "ink wash:0.8" --lora paper', {}, [INK, AdapterUse("paper")]),
        ("a fox --lora ink wash:0.8, paper:-1:2", {}, [INK, AdapterUse("paper", -1, 2)]),
        ("a fox", {"lora": "ink wash:0.8,paper"}, [INK, AdapterUse("paper")]),
        ("a fox", {"lora": "<lora:a,b:0.8> paper"}, [COMMA, AdapterUse("paper")]),
        ("a fox", {"negative_prompt": "<lora:ink wash:0.8>"}, [INK]),
        ("a fox --no blur <lora:ink wash:0.8>", {}, [INK]),
        # Twice in a prompt they add up, and a prompt is over an option.
        ("<lora:ink wash:0.5> a fox <lora:INK WASH:0.3>", {}, [INK]),
        ("a fox <lora:ink wash:0.8>", {"lora": "ink wash:0.1, paper"}, [INK, AdapterUse("paper")]),
    ],
)  # fmt: skip
def test_they_are_asked_for_in_many_ways(prompt: str, more: dict[str, object], uses: list):
    request = asked(prompt, **more)
    assert request.prompt == ("a  fox" if "a <" in prompt else "a fox").replace("  ", " ")
    assert sorted(request.adapters) == sorted(uses)
    assert "<" not in request.negative_prompt


def test_alternatives_are_jobs_of_their_own():
    jobs = all_said(ImageOptions(prompt="a fox <lora:{paper,ink wash}:0.{5,8}>"), CATALOG)
    assert [one["lora"] for one in jobs] == [
        (AdapterUse(name, weight, weight),)
        for name in ("paper", "Ink Wash")
        for weight in (0.5, 0.8)
    ]


@pytest.mark.parametrize("prompt", ["a fox <lora:papper:1>", "a fox --lora papper"])
def test_an_unknown_one_is_told_with_the_nearest(prompt: str):
    with pytest.raises(AdapterUnavailable, match=r'"papper": .* similar names are paper$'):
        said(prompt)


def test_what_others_may_have_is_not_named():
    with pytest.raises(AdapterUnavailable) as told:
        said("a fox <lora:hiden:1>")
    assert "hidden" not in str(told.value)


def test_one_of_another_family_is_refused_by_name():
    with pytest.raises(AdapterUnavailable) as told:
        asked("a fox <lora:big:1>")
    assert str(told.value) == (
        '"big": it was made for Stable Diffusion XL, and the checkpoint Emoji is of'
        " Stable Diffusion 1"
    )
    assert asked("a fox <lora:big:1>", checkpoint="Large").adapters == (AdapterUse("big"),)


@pytest.mark.parametrize(
    ("prompt", "told"),
    [
        ("a <lora:paper:3>", "LoRA weights from -2 to 2"),
        ("a <lora:paper:x>", "“paper” has “x”"),
        ("a <lora:paper:nan>", "“paper” has “nan”"),
        ("a <lora:paper:1:1:1>", "LoRA weights from -2 to 2"),
        ("a <lora:paper:1.5> <lora:paper:1.5>", "LoRA weights from -2 to 2"),
        ("a --lora paper:9", "LoRA weights from -2 to 2"),
        ("a --lora ,", "written as `name:0.8`"),
        ("a <lora: :1>", "LoRA names of 1 to 200 characters"),
        (f"a <lora:{'x' * 201}:1>", "LoRA names of 1 to 200 characters"),
    ],
)
def test_bad_input_is_one_line_that_names_the_bound(prompt: str, told: str):
    with pytest.raises(InvalidRequest) as refused:
        asked(prompt)
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)
    assert refused.value.field in ("lora", "--lora")


def test_at_most_eight():
    adapters = {f"l{number}": lora(f"l{number}") for number in range(9)}
    catalog = Catalog(CATALOG.checkpoints, CATALOG.default, adapters=adapters)
    tags = [f"<lora:l{number}:1>" for number in range(9)]

    def drawn(count: int) -> GenerationRequest:
        (one,) = all_said(ImageOptions(prompt="a fox " + " ".join(tags[:count])), catalog)
        return request_of(catalog, one)

    assert len(drawn(8).adapters) == 8
    with pytest.raises(InvalidRequest, match="at most 8 LoRAs"):
        drawn(9)


PIECES = st.sampled_from(
    ("<lora:", "<lyco:", "paper", "Ink Wash", ":", "0.5", "-1", ">", "<", "te=", "unet=", "{a,b}",
     "(", ")", "--lora", ",", " ", "\n", "embedding:neg", "nan", "1e9", "\u200b", "\ud800", "[",
     "]")
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES | st.text(max_size=4), max_size=14).map("".join))
def test_whatever_stands_in_a_tag_is_read_or_refused_in_a_line(text: str):
    lines: list[str] = []
    for given_text in ({"prompt": f"a fox {text}"}, {"prompt": "a fox", "lora": text}):
        try:
            for one in all_said(ImageOptions(given_text), CATALOG):
                request = request_of(CATALOG, one)
                assert all(-2 <= use.weight <= 2 for use in request.adapters)
                assert {use.name for use in request.adapters} <= CATALOG.adapters.keys()
        except (GenerationError, PromptError) as error:
            lines.append(str(error))
    assert all("\n" not in line for line in lines)


@pytest.mark.parametrize(
    ("more", "sampler", "steps", "guidance"),
    [
        ({}, Sampler.LCM, 4, 1.0),
        ({"steps": 6, "guidance_scale": 2.0}, Sampler.LCM, 6, 2.0),
        ({"sampler": "Euler"}, Sampler.EULER, 4, 1.0),
    ],
)
def test_distilled_ones_bring_settings_under_what_is_said(more, sampler, steps, guidance):
    mine = ImageOptions(steps=30, sampler="Euler a", guidance_scale=9.0)
    options = complete(CATALOG, said("a fox <lora:lcm:1>", **more), Layers(mine))
    request = request_of(CATALOG, options)
    found = (request.sampler, request.num_inference_steps, request.guidance_scale)
    assert found == (sampler, steps, guidance)
    plain = request_of(CATALOG, complete(CATALOG, said("a fox"), Layers(mine)))
    assert (plain.sampler, plain.num_inference_steps) == (Sampler.EULER_A, 30)
    bounded = complete(CATALOG, said("a fox <lora:lcm:1>"), Layers(most={"steps": 3}))
    assert bounded["steps"] == 3


def test_its_sampler_can_be_chosen_only_with_it():
    assert asked("a fox <lora:lcm:1>", sampler="LCM", steps=8).sampler == Sampler.LCM
    with pytest.raises(InvalidRequest, match="sampler"):
        asked("a fox <lora:paper:1>", sampler="LCM", steps=8)
    offers = OPTIONS["sampler"].offers
    assert offers is not None
    assert Sampler.LCM in offers(CATALOG, {"lora": "lcm:0.8"})
    assert Sampler.LCM not in offers(CATALOG, {"lora": "lc"})


def test_a_style_may_have_some_of_its_own():
    request = asked("a fox", style="Inked")
    assert (request.prompt, request.adapters) == ("a fox, ink", (AdapterUse("paper", 0.5),))
    assert asked("a <lora:paper:-1> fox", style="Inked").adapters == (AdapterUse("paper", -1, -1),)
    with pytest.raises(AdapterUnavailable, match="paper"):
        asked("a fox", style="Inked", checkpoint="Large")


def test_choices_have_trigger_words_and_what_fits_first():
    offered = choices(CATALOG, {}, EMBEDDED)
    assert list(offered) == ["Ink Wash:0.7", "paper", "lcm", "<lora:a,b:1>", "big"]
    assert offered["Ink Wash:0.7"] == "Ink Wash:0.7 (ink style, wet)"
    assert next(iter(choices(CATALOG, {}, CATALOG["Large"]))) == "big"
    assert asked("a fox", lora="<lora:a,b:1>").adapters == (AdapterUse("a,b"),)
    further = choices(CATALOG, {"lora": "paper:0.5, in"}, EMBEDDED)
    assert next(iter(further)) == "paper:0.5, Ink Wash:0.7"


def job(prompt: str, **more: object) -> NewJob:
    return new_job_of(CATALOG, Kind.IMAGINE, complete(CATALOG, said(prompt, **more), Layers()))


def test_they_are_told_wherever_options_are():
    made = job("a fox <lora:ink wash:0.8:0.5> <lora:paper:1>")
    assert "LoRA Ink Wash 0.8/0.5, paper 1" in describe.line(made)
    assert describe.parameters(made, "")["LoRA"] == "Ink Wash 0.8/0.5, paper 1"
    written = "<lora:Ink Wash:te=0.5:unet=0.8> <lora:paper:1>"
    assert dict(zip(describe.columns(), describe.cells(made), strict=True))["lora"] == written
    assert describe.exported(made)["lora"] == written
    assert stored.from_json(stored.to_json(made.request)) == made.request
    assert "lora" not in stored.to_json(job("a fox").request)


@pytest.mark.parametrize("style", [None, "Inked"])
def test_a_remix_has_them_in_its_prompt(style: str | None):
    made = job("a {1, 2} fox <lora:ink wash:0.8:0.5>".replace("{1, 2} ", r"\{b\} "), style=style)
    form = form_of(CATALOG, made)
    assert form["prompt"] == r"a \{b\} fox <lora:Ink Wash:te=0.5:unet=0.8>"
    again = remix(CATALOG, made, form, Layers())
    assert again.request == made.request
    changed = remix(CATALOG, made, {**form, "prompt": "an owl <lora:paper:1>"}, Layers())
    assert changed.request.adapters == (AdapterUse("paper"),)
    assert changed.words.prompt == "an owl"


def test_a_remix_follows_what_its_loras_bring():
    plain, fast = job("a fox", steps=20), job("a fox <lora:lcm:1>")
    form = form_of(CATALOG, plain)
    faster = remix(CATALOG, plain, {**form, "prompt": "a fox <lora:lcm:1>"}, Layers()).request
    assert (faster.sampler, faster.num_inference_steps, faster.guidance_scale) == (
        FEW.sampler,
        4,
        1,
    )
    own = {**form, "prompt": "a fox <lora:lcm:1>", "steps": "6"}
    assert remix(CATALOG, plain, own, Layers()).request.num_inference_steps == 6
    form = form_of(CATALOG, fast)
    assert remix(CATALOG, fast, form, Layers()).request == fast.request
    slower = remix(CATALOG, fast, {**form, "prompt": "a fox"}, Layers()).request
    assert slower.sampler == EMBEDDED.sampler
    assert slower.num_inference_steps == EMBEDDED.num_inference_steps


def test_our_files_say_them_as_the_web_ui_does():
    request = asked("a fox <lora:ink wash:0.8:0.5> <lora:paper:1>", seed=5)
    hashes = {"Ink Wash": "0123456789ab", "paper": "ab" * 6}
    text = infotext.write(infotext.describe(request, seed=5, adapter_hashes=hashes))
    assert text.startswith("a fox <lora:Ink Wash:te=0.5:unet=0.8> <lora:paper:1>\n")
    found = parse(text)
    assert found is not None
    assert found.other["Lora hashes"] == "Ink Wash: 0123456789ab, paper: abababababab"
    again = likeness(found, CATALOG)
    assert (again.prompt, again["lora"], again.left_out) == ("a fox", request.adapters, ())
    assert request_of(CATALOG, again.but(count=4)) == request


@pytest.mark.parametrize(
    ("found", "uses", "left_out"),
    [
        # The web UI has the text encoders' weight first.
        (Parameters(prompt="a fox <lora:inkwash_v2:0.5:0.8>"),
         [AdapterUse("Ink Wash", 0.8, 0.5)], ()),
        (Parameters(prompt="a fox", negative_prompt="<lora:paper:1>"), [AdapterUse("paper")], ()),
        (Parameters(prompt="a fox <lora:gone:1> <lora:big:1>"), [],
         ("<lora:gone:1>", "<lora:big:1>")),
        (Parameters(prompt="a fox <lora:paper:1:lbw=IN> <lora:paper:9>"), [],
         ("<lora:paper:1:lbw=IN>", "<lora:paper:9>")),
        (Parameters(prompt="a fox <lora:hidden:1>"), [], ("<lora:hidden:1>",)),
        (Parameters(prompt="a fox", other={"LoRA": "x\\paper.safetensors (0.5), lcm"},
                    program="ComfyUI"), [AdapterUse("paper", 0.5, 0.5), AdapterUse("lcm")], ()),
        (Parameters(prompt="a fox", other={"loras": "gone (0.5)"}, program="InvokeAI"), [],
         ("loras gone (0.5)",)),
        (Parameters(prompt="a fox <lora:paper:0.5>", other={"Lora hashes": "paper: 0123"}),
         [AdapterUse("paper", 0.5, 0.5)], ()),
    ],
)  # fmt: skip
def test_files_bring_those_that_are_here(found: Parameters, uses: list, left_out: tuple[str, ...]):
    alike = likeness(found, CATALOG)
    assert alike.prompt == "a fox"
    assert sorted(alike.get("lora", ())) == sorted(uses)
    assert alike.left_out == left_out


def test_pasted_data_brings_them_too():
    data = (
        "a fox, <lora:inkwash_v2:0.8> <lora:gone:1>\nNegative prompt: blurry <lora:paper:0.5>\n"
        'Steps: 12, Sampler: LCM, Seed: 7, Lora hashes: "inkwash_v2: 0123, gone: 4567"'
    )
    one = said(data + " --lora lcm")
    assert (one.prompt, one.negative_prompt) == ("a fox", "blurry")
    assert sorted(one["lora"]) == sorted([INK, AdapterUse("paper", 0.5, 0.5), AdapterUse("lcm")])
    assert one.left_out == ("sampler LCM", "<lora:gone:1>")


@pytest.mark.parametrize(
    ("prompt", "words", "left_out"),
    [
        ("a fox, embedding:neg", "a fox, embedding:neg", ()),
        ("a fox, (embedding:Bad Hands:1.2)", "a fox, (embedding:Bad Hands:1.2)", ()),
        ("a fox, embedding:neg.pt, b", "a fox, embedding:neg.pt, b", ()),
        ("a fox, embedding: NEG", "a fox, embedding:NEG", ()),
        ("a fox, (embedding:dir/x.pt:1.2), b", "a fox, b", ("embedding:dir/x.pt",)),
        ("a fox, embedding:negative, neg", "a fox, neg", ("embedding:negative",)),
    ],
)
def test_embeddings_are_kept_where_they_are_known(prompt: str, words: str, left_out):
    one = said(prompt)
    assert (one.prompt, one.left_out) == (words, left_out)
    (away,) = all_said(ImageOptions(prompt="b", negative_prompt=prompt), CATALOG)
    assert (away.negative_prompt, away.left_out) == (words, left_out)
    found = Parameters(prompt=prompt, program="ComfyUI")
    assert (likeness(found, CATALOG).prompt, likeness(found, CATALOG).left_out) == (words, left_out)


def test_an_embedding_of_another_family_is_refused_by_name():
    assert asked("a neg fox, embedding:neg").prompt == "a neg fox, embedding:neg"
    assert asked("a neg fox", checkpoint="Large").prompt == "a neg fox", "which is a word"
    with pytest.raises(AdapterUnavailable, match='"neg": it was made for Stable Diffusion 1, and'):
        asked("a fox --no embedding:NEG", checkpoint="Large")


def test_a_default_negative_prompt_may_have_one():
    mine = ImageOptions(
        negative_prompt="blur, embedding:x, embedding:neg, <lora:paper:0.5> <lora:y:1>"
    )
    one = complete(CATALOG, said("a fox"), Layers(mine))
    assert one.negative_prompt == "blur, embedding:neg"
    assert one["lora"] == (AdapterUse("paper", 0.5, 0.5),)
    assert one.left_out == ("<lora:y:1>", "embedding:x")


def test_reading_options_of_a_stored_list_is_checked():
    value = OPTIONS["lora"].value
    assert value.check("lora", [["paper", 1.0, 0.5]]) == (AdapterUse("paper", 1.0, 0.5),)
    for wrong in ([["paper", 9, 1]], 3, [3]):
        with contextlib.suppress(InvalidRequest):
            value.check("lora", wrong)
            pytest.fail(f"{wrong} is taken")

"""Files of ComfyUI that hold what its page shows, and no graph."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generation.metadata import reader
from generation.metadata.comfyui import workflow
from generation.metadata.comfyui.comfyui import parse, parse_table
from generation.metadata.containers import Texts
from generation.metadata.infotext import Parameters
from tests.generation.metadata.test_comfyui import encoded, graph, node, sampler

Json = dict[str, object]


def shown(
    number: int, kind: str, values: object = None, mode: int = 0, **links: int | None
) -> Json:
    """A node as the page saves it; ``links`` are numbers of links, by the inputs' names."""
    inputs = [{"name": name, "type": name.upper(), "link": link} for name, link in links.items()]
    found: Json = {"id": number, "type": kind, "mode": mode, "inputs": inputs}
    return found if values is None else {**found, "widgets_values": values}


def page(*changes: Json, links: tuple[list[object], ...] = ()) -> Json:
    nodes = {
        4: shown(4, "CheckpointLoaderSimple", ["v1-5.safetensors"]),
        5: shown(5, "EmptyLatentImage", [512, 640, 1]),
        6: shown(6, "CLIPTextEncode", ["a fox"], clip=3),
        7: shown(7, "CLIPTextEncode", ["blurry"], clip=5),
        3: shown(
            3, "KSampler", [5, "randomize", 20, 8, "dpmpp_2m", "karras", 1],
            model=1, positive=4, negative=6, latent_image=2,
        ),
        8: shown(8, "VAEDecode", samples=7, vae=8),
        9: shown(9, "SaveImage", ["ComfyUI"], images=9),
    }  # fmt: skip
    nodes |= {one["id"]: one for one in changes}  # type: ignore[misc]
    every = [
        [1, 4, 0, 3, 0, "MODEL"], [2, 5, 0, 3, 3, "LATENT"], [3, 4, 1, 6, 0, "CLIP"],
        [4, 6, 0, 3, 1, "CONDITIONING"], [5, 4, 1, 7, 0, "CLIP"], [6, 7, 0, 3, 2, "CONDITIONING"],
        [7, 3, 0, 8, 0, "LATENT"], [8, 4, 2, 8, 1, "VAE"], [9, 8, 0, 9, 0, "IMAGE"], *links,
    ]  # fmt: skip
    return {"last_node_id": 9, "nodes": list(nodes.values()), "links": every, "version": 0.4}


PAGE = Parameters(
    prompt="a fox",
    negative_prompt="blurry",
    steps=20,
    sampler="DPM++ 2M Karras",
    guidance_scale=8.0,
    seed=5,
    width=512,
    height=640,
    model="v1-5.safetensors",
)
_OUT = {"outputs": [{"name": "MODEL", "type": "MODEL"}]}
PAGES = {
    "as it was": page(),
    "links as tables": page()
    | {
        "links": [
            {"id": one[0], "origin_id": one[1], "origin_slot": one[2], "target_id": one[3]}
            for one in page()["links"]  # type: ignore[attr-defined]
        ]
    },
    "a node of an unknown kind names its values": page(
        {
            **shown(5, "SomeLatent", [512, 640]),
            "inputs": [
                {"name": name, "type": "INT", "widget": {"name": name}, "link": None}
                for name in ("width", "height")
            ],
        }
    ),
    "a text from a primitive node": page(
        shown(6, "CLIPTextEncode", ["old"], clip=3, text=10),
        shown(10, "PrimitiveNode", ["a fox"]),
        links=([10, 10, 0, 6, 1, "STRING"],),
    ),
    "values in a table": page(shown(6, "CLIPTextEncode", {"text": "a fox"}, clip=3)),
    "what is bypassed": page(
        {**shown(3, "KSampler", [5, "fixed", 20, 8, "dpmpp_2m", "karras", 1],
                 model=11, positive=4, negative=6, latent_image=2)},
        {**shown(12, "LoraLoaderModelOnly", ["ink", 1.0], workflow.BYPASSED, model=12), **_OUT},
        links=([11, 12, 0, 3, 0, "MODEL"], [12, 4, 0, 12, 0, "MODEL"]),
    ),
    "what is switched off": page(
        shown(20, "KSampler", [1, "fixed", 99, 8, "euler", "normal", 1], workflow.MUTED),
        shown(21, "SaveImage", ["x"], workflow.MUTED),
    ),
    "set here and got there": page(
        shown(6, "CLIPTextEncode", ["old"], clip=3, text=10),
        shown(10, "GetNode", ["words"]),
        shown(11, "SetNode", ["words"], STRING=11),
        shown(12, "PrimitiveStringMultiline", ["a fox"]),
        links=([10, 10, 0, 6, 1, "STRING"], [11, 12, 0, 11, 0, "STRING"]),
    ),
}  # fmt: skip


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES.keys())
def test_what_the_page_shows_is_read_in_part(page: Json):
    found = reader.parse(Texts((("workflow", json.dumps(page)),)))
    assert found == PAGE
    assert (found.partial, found.program) == (True, "ComfyUI")


def test_the_graph_comes_first_and_the_page_where_it_cannot_be_read():
    whole = ("prompt", json.dumps(graph(**{"6": encoded("a cat")})))
    seen = ("workflow", json.dumps(page()))
    found = reader.parse(Texts((seen, whole)))
    assert (found.prompt, found.partial) == ("a cat", False)
    for broken in ("{", "{}", json.dumps({"1": node("LoadImage")})):
        found = reader.parse(Texts((("prompt", broken), seen)))
        assert (found.prompt, found.partial) == ("a fox", True)


def test_the_page_of_a_program_that_samples_nowhere_is_named():
    empty = {"nodes": [shown(1, "LoadImage", ["x.png", "image"])], "links": []}
    assert reader.parse(Texts((("workflow", json.dumps(empty)),))).program == "ComfyUI"


@pytest.mark.parametrize(
    ("kind", "values", "prompt"),
    [
        ("CLIPTextEncodeSDXL", [1024, 1024, 0, 0, 64, 64, "a fox", "in snow"], "a fox, in snow"),
        ("CLIPTextEncodeSDXLRefiner", [6, 1024, 1024, "a fox"], "a fox"),
        ("CLIPTextEncodeFlux", ["fox", "a red fox", 3.5], "a red fox, fox"),
        ("CLIPTextEncodeSD3", ["fox", "fox", "a red fox", "none"], "a red fox, fox"),
        ("Power Prompt (rgthree)", ["a fox", "CHOOSE", "CHOOSE", "CHOOSE"], "a fox"),
        ("SDXL Power Prompt - Positive (rgthree)", ["a fox", "in snow", 1024], "a fox, in snow"),
        ("ImpactWildcardEncode", ["a __x__", "a fox", "populate"], "a fox"),
    ],
)  # fmt: skip
def test_the_values_of_known_encoders_have_names(kind: str, values: list, prompt: str):
    found = parse_table(workflow.as_graph(page(shown(6, kind, values, clip=3))))
    assert (found.prompt, found.negative_prompt, found.seed) == (prompt, "blurry", 5)


def test_flux_s_single_purpose_nodes_are_read():
    nodes = [
        shown(1, "UNETLoader", ["flux.safetensors", "default"]),
        shown(3, "CLIPTextEncode", ["a fox"]),
        shown(2, "FluxGuidance", [3.5], conditioning=1),
        shown(4, "BasicGuider", model=2, conditioning=3),
        shown(5, "RandomNoise", [77, "randomize"]),
        shown(6, "KSamplerSelect", ["euler"]),
        shown(7, "BasicScheduler", ["simple", 8, 1]),
        shown(9, "EmptySD3LatentImage", [1024, 768, 1]),
        shown(8, "SamplerCustomAdvanced", noise=4, guider=5, sampler=6, sigmas=7, latent_image=8),
    ]  # fmt: skip
    links = [[at, one, 0] for at, one in enumerate((3, 1, 2, 5, 4, 6, 7, 9), 1)]
    found = parse_table(workflow.as_graph({"nodes": nodes, "links": links}))
    assert (found.prompt, found.seed, found.steps, found.sampler) == ("a fox", 77, 8, "Euler")
    assert (found.width, found.height, found.model) == (1024, 768, "flux.safetensors")
    assert found.guidance_scale == 3.5


ENCODERS = {
    "SDXL": node("CLIPTextEncodeSDXL", text_g="a fox", text_l="in snow", width=1024, height=1024),
    "SD3": node("CLIPTextEncodeSD3", clip_l="in snow", clip_g="a fox", t5xxl="a fox"),
    "Flux": node("CLIPTextEncodeFlux", clip_l="in snow", t5xxl="a fox", guidance=3.5),
    "rgthree": node("SDXL Power Prompt - Positive (rgthree)", prompt_g="a fox", prompt_l="in snow"),
}


@pytest.mark.parametrize("encoder", ENCODERS.values(), ids=ENCODERS.keys())
def test_encoders_of_two_texts_are_read_in_the_graph(encoder: Json):
    found = parse(json.dumps(graph(**{"6": encoder})))
    assert (found.prompt, found.negative_prompt, found.partial) == (
        "a fox, in snow",
        "blurry",
        False,
    )


def test_a_power_prompt_hands_its_text_on():
    prompt = {"6": encoded(["20", 2]), "20": node("Power Prompt (rgthree)", prompt="a fox")}
    assert parse(json.dumps(graph(**prompt))).prompt == "a fox"


@pytest.mark.parametrize(
    ("stack", "named"),
    [
        (
            node("Power Lora Loader (rgthree)", model=["4", 0],
                 lora_1={"on": True, "lora": "a", "strength": 0.5},
                 lora_2={"on": False, "lora": "b"}, lora_3={"on": True, "lora": "c"}),
            "a (0.5), c (1)",
        ),
        (
            node("Lora Loader Stack (rgthree)", model=["4", 0], lora_01="a", strength_01=0.5,
                 lora_02="None", strength_02=1.0),
            "a (0.5)",
        ),
        (
            node("CR LoRA Stack", model=["4", 0], switch_1="On", lora_name_1="a",
                 model_weight_1=0.5, switch_2="Off", lora_name_2="b", model_weight_2=1.0),
            "a (0.5)",
        ),
    ],
)  # fmt: skip
def test_stacked_loras_are_named(stack: Json, named: str):
    found = parse(json.dumps(graph(**{"3": sampler(model=["20", 0]), "20": stack})))
    assert (found.other["LoRA"], found.model) == (named, "v1-5.safetensors")


def test_the_page_s_stack_of_loras_is_named():
    rows = [
        {},
        {"type": "PowerLoraLoaderHeaderWidget"},
        {"on": True, "lora": "a", "strength": 0.5},
        "",
    ]
    nodes = page(
        shown(3, "KSampler", [5, "fixed", 20, 8, "euler", "normal", 1], model=11, positive=4),
        shown(12, "Power Lora Loader (rgthree)", rows, model=12),
        links=([11, 12, 0, 3, 0, "MODEL"], [12, 4, 0, 12, 0, "MODEL"]),
    )
    assert parse_table(workflow.as_graph(nodes)).other["LoRA"] == "a (0.5)"


words = st.sampled_from(
    ["nodes", "links", "id", "type", "mode", "inputs", "outputs", "widgets_values", "link", "name",
     "widget", "origin_id", "origin_slot"]
)  # fmt: skip
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 12) | st.floats() | st.text(max_size=4)
    | st.sampled_from(["KSampler", "GetNode", "SetNode", "randomize", "MODEL"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=5),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=150)
@given(st.dictionaries(st.sampled_from(("nodes", "links")), json_values), st.data())
def test_a_strange_page_is_read_as_far_as_it_goes(table: Json, data: st.DataObject):
    workflow.as_graph({"nodes": [], "links": [], **table})
    whole = page()
    for one in whole["nodes"]:  # type: ignore[attr-defined]
        one |= data.draw(st.dictionaries(words, json_values, max_size=1))
    found = reader.parse(Texts((("workflow", json.dumps(whole)),)))
    assert found is None or isinstance(found.prompt, str)

"""Graphs as ComfyUI leaves them in its files, and stranger ones."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generation.metadata.comfyui.comfyui import parse
from generation.metadata.infotext import Parameters


def node(kind: str, /, **inputs: object) -> dict:
    return {"class_type": kind, "inputs": inputs}


def graph(**changes: dict) -> dict[str, dict]:
    nodes: dict[str, dict] = {
        "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "v1-5.safetensors"}},
        "5": {
            "class_type": "EmptyLatentImage",
            "inputs": {"width": 512, "height": 640, "batch_size": 1},
        },
        "6": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["4", 1], "text": "a fox"}},
        "7": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["4", 1], "text": "blurry"}},
        "3": {
            "class_type": "KSampler",
            "inputs": {
                "seed": 5, "steps": 20, "cfg": 8, "sampler_name": "dpmpp_2m",
                "scheduler": "karras", "denoise": 1, "model": ["4", 0], "positive": ["6", 0],
                "negative": ["7", 0], "latent_image": ["5", 0],
            },
        },
    }  # fmt: skip
    return nodes | changes


def test_comfyui_s_graph_is_read():
    assert parse(json.dumps(graph())) == Parameters(
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


def test_comfyui_s_graph_of_single_purpose_nodes_is_read():
    nodes = {
        "1": {"class_type": "UNETLoader", "inputs": {"unet_name": "flux.safetensors"}},
        "2": {"class_type": "PrimitiveString", "inputs": {"value": "a fox"}},
        "3": {"class_type": "CLIPTextEncode", "inputs": {"text": ["2", 0]}},
        "4": {"class_type": "BasicGuider", "inputs": {"model": ["1", 0], "conditioning": ["3", 0]}},
        "5": {"class_type": "RandomNoise", "inputs": {"noise_seed": 77}},
        "6": {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "res_2s"}},
        "7": {
            "class_type": "BasicScheduler",
            "inputs": {"steps": 8, "scheduler": "beta", "denoise": 0.5},
        },
        "8": {
            "class_type": "SamplerCustomAdvanced",
            "inputs": {
                "noise": ["5", 0],
                "guider": ["4", 0],
                "sampler": ["6", 0],
                "sigmas": ["7", 0],
            },
        },
    }
    assert parse(json.dumps(nodes)) == Parameters(
        prompt="a fox",
        steps=8,
        sampler="res_2s",
        seed=77,
        model="flux.safetensors",
        strength=0.5,
        other={"Schedule type": "beta"},
    )


NAMES = ("3", "4", "5", "6", "7", "inputs", "text", "seed", "steps", "cfg")

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner),
    max_leaves=10,
)


@settings(max_examples=50)
@given(
    st.dictionaries(st.sampled_from("34567"), json_values),
    st.dictionaries(st.sampled_from(("positive", "seed", "denoise", "cfg", "model")), json_values),
)
def test_a_strange_graph_is_read_as_far_as_it_goes(nodes, inputs):
    strange = graph(**nodes)
    if isinstance(sampler := strange["3"], dict) and isinstance(sampler.get("inputs"), dict):
        sampler["inputs"].update(inputs)
    found = parse(json.dumps(strange))
    assert found is None or isinstance(found.prompt, str)


def test_a_circle_is_no_trap():
    nodes = graph(**{"6": {"inputs": {"clip": ["3", 0], "text": ["6", 0]}}})
    assert parse(json.dumps(nodes)) is not None


def test_a_node_that_takes_both_prompts_confuses_neither():
    sampler = graph()["3"]["inputs"] | {"positive": ["9", 0], "negative": ["9", 1]}
    both = {"positive": ["6", 0], "negative": ["7", 0], "strength": 0.8}
    nodes = graph(**{"3": {"inputs": sampler}, "9": {"inputs": both}})
    found = parse(json.dumps(nodes))
    assert (found.prompt, found.negative_prompt) == ("a fox", "blurry")


SAVED = {"class_type": "SaveImage", "inputs": {"images": ["8", 0]}}
DECODED = {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}}


def encoded(text: object, **more: object) -> dict:
    return {"class_type": "CLIPTextEncode", "inputs": {"clip": ["4", 1], "text": text} | more}


def sampler(**inputs: object) -> dict:
    return {"class_type": "KSampler", "inputs": graph()["3"]["inputs"] | inputs}


TEXTS = {
    "a text of a node's": {"6": encoded(["20", 0]), "20": node("PrimitiveString", value="a fox")},
    "rerouted": {
        "3": sampler(positive=["20", 0]),
        "20": node("Reroute", **{"": ["21", 0]}),
        "21": node("Reroute", **{"": ["6", 0]}),
    },
    "joined strings": {
        "6": encoded(["20", 0]),
        "20": node("StringConcatenate", string_a="a", string_b=["21", 0], delimiter=" "),
        "21": node("PrimitiveStringMultiline", value="fox"),
    },
    "joined texts": {
        "6": encoded(["20", 0]),
        "20": node("Text Concatenate", delimiter=" ", clean_whitespace="true", text_a="a", text_b="fox"),  # noqa: E501
    },
    "wildcards filled in": {
        "6": encoded(["20", 0]),
        "20": node("ImpactWildcardProcessor", wildcard_text="a __beast__", populated_text="a fox"),
    },
    "wildcards encoded": {
        "6": node("ImpactWildcardEncode", wildcard_text="a __x__", populated_text="a fox"),
    },
    "two encoders of one text": {
        "6": node("CLIPTextEncodeSDXL", text_g="a fox", text_l="a fox", width=4096, height=4096),
    },
    "Flux": {"6": node("CLIPTextEncodeFlux", clip_l="", t5xxl="a fox", guidance=3.5)},
    "through a control net": {
        "3": sampler(positive=["20", 0], negative=["20", 1]),
        "20": node("ControlNetApplyAdvanced", positive=["6", 0], negative=["7", 0], strength=1),
    },
    "shown on the way": {
        "6": encoded(["20", 0]),
        "20": node("ShowText|pysssss", text=["21", 0], text_0="old"),
        "21": node("String Literal", string="a fox"),
    },
}  # fmt: skip


@pytest.mark.parametrize("nodes", TEXTS.values(), ids=TEXTS.keys())
def test_prompts_are_found_behind_other_nodes(nodes: dict):
    found = parse(json.dumps(graph(**nodes, **{"8": DECODED, "9": SAVED})))
    assert (found.prompt, found.negative_prompt, found.partial) == ("a fox", "blurry", False)
    assert (found.steps, found.seed, found.width, found.height) == (20, 5, 512, 640)


@pytest.mark.parametrize(
    ("nodes", "prompt"),
    [
        (
            {"20": node("ConditioningConcat", conditioning_to=["6", 0], conditioning_from=["21", 0])},  # noqa: E501
            "a fox, in snow",
        ),
        (
            {"20": node("ConditioningConcat", conditioning_from=["21", 0], conditioning_to=["6", 0])},  # noqa: E501
            "a fox, in snow",
        ),
        ({"20": node("ConditioningCombine", conditioning_1=["6", 0], conditioning_2=["21", 0])}, "a fox, in snow"),  # noqa: E501
        ({"20": node("ConditioningSetTimestepRange", conditioning=["6", 0], start=0, end=1)}, "a fox"),  # noqa: E501
        ({"20": node("CLIPTextEncodeFlux", clip_l="a fox", t5xxl="a fox in snow")}, "a fox in snow, a fox"),  # noqa: E501
    ],
)  # fmt: skip
def test_several_texts_are_joined(nodes: dict, prompt: str):
    whole = graph(**nodes, **{"3": sampler(positive=["20", 0]), "21": encoded("in snow")})
    assert parse(json.dumps(whole)).prompt == prompt


def test_only_what_is_upstream_of_the_saved_picture_counts():
    other = {
        "1": sampler(seed=1, steps=99, positive=["2", 0]),
        "2": encoded("a cat"),
        "10": node("PreviewImage", images=["11", 0]),
        "11": node("VAEDecode", samples=["1", 0]),
    }
    found = parse(json.dumps({**other, **graph(**{"8": DECODED, "9": SAVED})}))
    assert (found.prompt, found.seed, found.steps) == ("a fox", 5, 20)
    found = parse(json.dumps({**other, **graph()}))
    assert (found.prompt, found.seed) == ("a cat", 1), "what is shown, where nothing is saved"


def test_the_first_pass_is_the_picture_and_the_second_is_named():
    second = {
        "3": sampler(denoise=0.5, seed=9, latent_image=["12", 0]),
        "12": node("LatentUpscale", samples=["13", 0], width=1024, height=1280),
        "13": sampler(),
    }
    found = parse(json.dumps(graph(**second, **{"8": DECODED, "9": SAVED})))
    assert (found.seed, found.width, found.strength) == (5, 512, None)
    assert found.other["Hires passes"] == "1"


def test_samplers_whose_settings_are_upstream_are_read():
    custom = {
        "3": node(
            "SamplerCustom", add_noise=True, noise_seed=["22", 0], cfg=8, positive=["6", 0],
            negative=["7", 0], sampler=["20", 0], sigmas=["21", 0], latent_image=["5", 0],
            model=["4", 0],
        ),
        "20": node("KSamplerSelect", sampler_name="euler_ancestral"),
        "21": node("BasicScheduler", steps=20, scheduler="normal", denoise=1.0, model=["4", 0]),
        "22": node("Seed (rgthree)", seed=5),
    }  # fmt: skip
    found = parse(json.dumps(graph(**custom)))
    assert (found.prompt, found.negative_prompt, found.sampler) == ("a fox", "blurry", "Euler a")
    assert (found.steps, found.seed, found.guidance_scale, found.width) == (20, 5, 8.0, 512)
    advanced = {
        "3": node(
            "KSamplerAdvanced", add_noise="enable", noise_seed=5, steps=20, cfg=8,
            sampler_name="sample_euler", scheduler="normal", positive=["6", 0], negative=["7", 0],
            latent_image=["5", 0], start_at_step=0, end_at_step=15, model=["4", 0],
        ),
        "1": node(
            "KSamplerAdvanced", add_noise="disable", noise_seed=0, steps=20, cfg=8,
            sampler_name="euler", scheduler="normal", positive=["6", 0], negative=["7", 0],
            latent_image=["3", 0], start_at_step=15, end_at_step=20, model=["4", 0],
        ),
    }  # fmt: skip
    found = parse(json.dumps(graph(**advanced)))
    assert (found.seed, found.steps, found.sampler) == (5, 20, "Euler")


def test_an_efficiency_loader_is_read():
    nodes = {
        "1": node(
            "Efficient Loader", ckpt_name="ink.safetensors", vae_name="Baked VAE", clip_skip=-2,
            lora_name="wash.safetensors", lora_model_strength=0.8, positive="a fox",
            negative="blurry", empty_latent_width=512, empty_latent_height=640, batch_size=1,
        ),
        "2": node(
            "KSampler (Efficient)", seed=5, steps=20, cfg=8.0, sampler_name="dpmpp_2m",
            scheduler="karras", denoise=1.0, model=["1", 0], positive=["1", 1], negative=["1", 2],
            latent_image=["1", 3], optional_vae=["1", 4],
        ),
        "3": node("SaveImage", images=["2", 5]),
    }  # fmt: skip
    found = parse(json.dumps(nodes))
    assert (found.prompt, found.negative_prompt, found.model) == (
        "a fox",
        "blurry",
        "ink.safetensors",
    )
    assert (found.width, found.height, found.sampler) == (512, 640, "DPM++ 2M Karras")
    assert found.other == {"LoRA": "wash.safetensors (0.8)", "Clip skip": "2"}


def test_what_else_changed_the_picture_is_named():
    nodes = {
        "3": sampler(model=["20", 0], scheduler="exponential"),
        "20": node("LoraLoader", lora_name="ink.safetensors", strength_model=0.5, model=["4", 0]),
        "6": encoded("a fox", clip=["21", 0]),
        "21": node("CLIPSetLastLayer", stop_at_clip_layer=-2, clip=["4", 1]),
    }
    found = parse(json.dumps(graph(**nodes)))
    assert (found.sampler, found.model) == ("DPM++ 2M", "v1-5.safetensors")
    assert found.other == {
        "Schedule type": "exponential", "LoRA": "ink.safetensors (0.5)", "Clip skip": "2"
    }  # fmt: skip


def test_the_size_is_the_latent_s_alone():
    nodes = {
        "5": node("VAEEncode", pixels=["20", 0]),
        "20": node("ImageScale", width=64, height=64),
    }
    found = parse(json.dumps(graph(**nodes)))
    assert (found.width, found.height) == (None, None)
    linked = {"5": node("EmptyLatentImage", width=["20", 0], height=["21", 0]),
              "20": node("PrimitiveInt", value=768), "21": node("INTConstant", value=512)}  # fmt: skip  # noqa: E501
    found = parse(json.dumps(graph(**linked)))
    assert (found.width, found.height) == (768, 512)


@pytest.mark.parametrize(
    "nodes",
    [
        {"6": encoded(["20", 0]), "20": node("LLM", model="x", temperature=1)},
        {
            "6": encoded(["20", 0]),
            "20": node("SDXLPromptStyler", text_positive="a fox", style="film"),
        },
        {"3": sampler(positive=["20", 0]), "20": node("Odd", seed=4)},
    ],
)
def test_what_is_known_in_part_is_said_so(nodes: dict):
    found = parse(json.dumps(graph(**nodes)))
    assert (found.partial, found.negative_prompt, found.seed) == (True, "blurry", 5)


def test_what_is_no_number_is_none():
    nodes = {
        "3": sampler(cfg=float("nan"), denoise=float("inf")),
        "1": {"is_changed": [float("nan")]},
    }
    found = parse(json.dumps(graph(**nodes)))
    assert (found.guidance_scale, found.strength, found.prompt) == (None, None, "a fox")


def test_a_large_graph_takes_no_time():
    wide = {
        str(at): sampler(positive=[str(at + 1), 0], model=[str(at + 2), 0]) for at in range(4000)
    }
    deep = {
        str(at): node("Concat", string_a=[str(at + 1), 0], string_b=[str(at + 1), 0])
        for at in range(4000)
    }
    started = time.process_time()
    for nodes in (wide, {**deep, **graph(**{"6": encoded(["0", 0])})}):
        parse(json.dumps(nodes))
    assert time.process_time() - started < 4

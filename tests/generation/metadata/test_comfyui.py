"""Graphs as ComfyUI leaves them in its files, and stranger ones."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from generation.metadata.comfyui import parse
from generation.metadata.infotext import Parameters


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

"""How a picture was made, from the graph that ComfyUI leaves in its files. Imports no torch.

The ``prompt`` chunk is the graph in ComfyUI's API format: a JSON object of nodes by id, each with
``class_type`` and ``inputs``; an input is a value, or ``[id, output]`` of the node it comes from.
Anybody can add kinds of nodes, so nodes are known by their inputs more than by their names. What
counts is upstream of the node that saves the picture; from the sampler there, the nearest node
that says something is believed. `graph` walks, `text` reads prompts.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from generation.json_text import loads
from generation.metadata import samplers
from generation.metadata.comfyui.graph import Graph, Node, link
from generation.metadata.comfyui.text import NEGATIVE, POSITIVE, Prompts
from generation.metadata.infotext import Parameters

PROGRAM = "ComfyUI"
MOST = 100  # samplers and savers that are looked at
SAVERS = ("save", "preview", "output", "websocket")
PICTURES = ("images", "image", "filenames")
MODELS = ("ckpt_name", "unet_name", "base_ckpt_name", "model_name", "gguf_name", "model")
LATENTS = ("latent_image", "latent", "samples", "optional_latent", "latents")
WORDS = frozenset((*POSITIVE, *NEGATIVE))
# Other ways to a sampler's numbers than its own inputs lead through these.
SETTINGS_ASIDE = WORDS | frozenset(("model", "clip", "vae", "image", "pixels", *LATENTS))
_LORA = re.compile(r"lora(?:_name)?(_[0-9]{1,3})?")
LORA_WEIGHTS = (
    "strength_model", "lora_model_strength", "model_weight", "model_str", "strength", "lora_wt",
)  # fmt: skip
PLAIN_NAMES = {
    "vae_name": "VAE",
    "control_net_name": "ControlNet",
    "controlnet_name": "ControlNet",
    "ipadapter_file": "IP-Adapter",
    "upscale_model": "Upscaler",
}


def parse(text: str) -> Parameters | None:
    """Return what the graph drew, or None where there is no such graph."""
    try:
        table = loads(text)
    except ValueError:
        return None
    return parse_table(table) if isinstance(table, dict) else None


def is_graph(table: Mapping[str, Any]) -> bool:
    """Tell whether a JSON object is a graph in the API format."""
    nodes = [node for node in table.values() if isinstance(node, dict)]
    return any("class_type" in node and isinstance(node.get("inputs"), dict) for node in nodes)


def parse_table(table: Mapping[str, Any]) -> Parameters | None:
    """Return what the graph drew, or None where nothing in it samples."""
    graph = Graph.of(table)
    passes = _samplers(graph)
    if not passes:
        return None
    start = next((key for key in passes if _from_noise(graph, key)), passes[0])
    prompts = Prompts(graph)
    positive, negative = prompts.read(start, POSITIVE), prompts.read(start, NEGATIVE)
    name = graph.find(start, ("sampler_name", "sampler"), str, aside=SETTINGS_ASIDE) or ""
    schedule = graph.find(start, ("scheduler", "scheduler_name"), str, aside=SETTINGS_ASIDE) or ""
    ours, schedule = samplers.nearest(name, schedule)
    guidance = graph.number(start, ("cfg", "guidance", "cfg_scale"), aside=SETTINGS_ASIDE - WORDS)
    denoise = graph.number(start, ("denoise",), aside=SETTINGS_ASIDE)
    width, height = _size(graph, start)
    other = {"Schedule type": schedule} if schedule else {}
    other |= _other(graph, start, passes)
    return Parameters(
        prompt=positive,
        negative_prompt=negative,
        steps=graph.whole(start, ("steps", "num_steps", "base_steps"), aside=SETTINGS_ASIDE),
        sampler=ours.value if ours else name or None,
        guidance_scale=guidance,
        seed=graph.whole(start, ("seed", "noise_seed", "base_seed"), aside=SETTINGS_ASIDE),
        width=width,
        height=height,
        model=_model(graph, start),
        strength=denoise if denoise is not None and 0 < denoise < 1 else None,
        other=other,
        program=PROGRAM,
        partial=prompts.unknown,
    )


def _samplers(graph: Graph) -> list[str]:
    """Return the nodes that sample upstream of a picture that is kept, in the graph's order."""
    found = [key for key, node in graph.nodes.items() if _samples(node)][:MOST]
    savers = [
        key
        for key, node in graph.nodes.items()
        if any(word in node.kind for word in SAVERS)
        and any(link(node.inputs.get(name)) for name in PICTURES)
    ]
    # What is kept comes before what is only shown.
    for saver in sorted(savers[:MOST], key=lambda key: "preview" in graph.nodes[key].kind):
        above = set(graph.upstream(saver))
        if kept := [key for key in found if key in above]:
            return kept
    return found


def _samples(node: Node) -> bool:
    names = node.inputs.keys()
    if {"steps", "cfg"} <= names or "guider" in names:
        return "context" not in node.kind
    if {"positive", "negative"} <= names:
        return bool(names & {*LATENTS, "sigmas"}) and bool(
            names & {"seed", "noise_seed", "sigmas", "sampler_name"}
        )
    return "ksampler" in node.kind and bool(names & {"seed", "noise_seed", "steps"})


def _from_noise(graph: Graph, key: str) -> bool:
    """Tell whether a sampler starts from noise alone."""
    inputs = graph.nodes[key].inputs
    if inputs.get("add_noise") in ("disable", False):
        return False
    at = inputs.get("start_at_step")
    denoise = graph.number(key, ("denoise",), aside=SETTINGS_ASIDE)
    return denoise in (None, 1) and not (isinstance(at, int | float) and at > 0)


def _size(graph: Graph, start: str) -> tuple[int | None, int | None]:
    """Return the size of the latents that a sampler starts from."""
    for key in graph.along(start, (*LATENTS, "", "pipe")):
        for prefix in ("", "empty_latent_"):
            width = graph.value(graph.nodes[key].inputs.get(f"{prefix}width"), "width")
            height = graph.value(graph.nodes[key].inputs.get(f"{prefix}height"), "height")
            if isinstance(width, int) and isinstance(height, int):
                return width, height
    return None, None


def _model(graph: Graph, start: str) -> str | None:
    for key in _model_path(graph, start):
        for name in MODELS:
            value = graph.value(graph.nodes[key].inputs.get(name), name)
            if isinstance(value, str) and value:
                return value
    return None


def _model_path(graph: Graph, start: str) -> Iterator[str]:
    return graph.along(
        start,
        ("model", "guider", "basic_pipe", "pipe", "", "base_model", "unet", "*", "lora_stack"),
    )


def _other(graph: Graph, start: str, passes: list[str]) -> dict[str, str]:
    """Return what changes the picture and has no field."""
    found: dict[str, str] = {}
    loras: list[str] = []
    for key in _model_path(graph, start):
        loras += _loras(graph.nodes[key].inputs)
    if loras:
        found["LoRA"] = ", ".join(dict.fromkeys(loras))
    for key in graph.upstream(start):
        inputs = graph.nodes[key].inputs
        for name, label in PLAIN_NAMES.items():
            if isinstance(value := inputs.get(name), str) and value not in ("None", "Baked VAE"):
                found.setdefault(label, value)
        last = inputs.get("stop_at_clip_layer", inputs.get("clip_skip"))
        if type(last) is int and last != -1:
            found.setdefault("Clip skip", str(abs(last)))
    if len(passes) > 1:
        found["Hires passes"] = str(len(passes) - 1)
    return found


def _loras(inputs: Mapping[str, Any]) -> Iterator[str]:
    """Yield a node's LoRAs and their weights: one, or a stack of them with numbers."""
    for key, value in inputs.items():
        number = _LORA.fullmatch(key)
        if isinstance(value, dict) and value.get("on") and isinstance(value.get("lora"), str):
            yield _weighted(value["lora"], value.get("strength", 1))  # rgthree's
        elif number and isinstance(value, str) and value not in ("", "None"):
            at = number[1] or ""
            if inputs.get(f"switch{at}") in ("Off", False):
                continue
            weights = (inputs.get(f"{name}{at}") for name in LORA_WEIGHTS)
            yield _weighted(value, next((one for one in weights if one is not None), 1))


def _weighted(name: str, weight: object) -> str:
    return f"{name} ({weight:g})" if isinstance(weight, int | float) else name

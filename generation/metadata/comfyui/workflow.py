"""What ComfyUI's page shows ("workflow") as the graph that it runs. Imports no torch.

A node there has its inputs' links by name, but the values that somebody typed in a row without
names. The names of common nodes are known here; newer files have them among the inputs. What is
switched off is passed by. Subgraphs are not opened.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from generation.metadata.comfyui.graph import MAX_HOPS, MAX_NODES

Table = Mapping[str, Any]

# What the page puts behind a seed: whether it changes from picture to picture.
CONTROL = ("fixed", "increment", "decrement", "randomize", "increment-wrap")
MUTED, BYPASSED = 2, 4
SETTER = "SetNode"
_SIZES = "width height batch_size"
_SDXL = "width height crop_w crop_h target_width target_height text_g text_l"
_LOADER = (
    "ckpt_name vae_name clip_skip lora_name lora_model_strength lora_clip_strength positive"
    " negative token_normalization weight_interpretation empty_latent_width empty_latent_height"
    " batch_size"
)
# The names of the values of common nodes, in their order, without CONTROL's.
WIDGETS = {
    "KSampler": "seed steps cfg sampler_name scheduler denoise",
    "KSampler (Efficient)": "seed steps cfg sampler_name scheduler denoise",
    "KSamplerAdvanced": (
        "add_noise noise_seed steps cfg sampler_name scheduler start_at_step end_at_step"
    ),
    "SamplerCustom": "add_noise noise_seed cfg",
    "KSamplerSelect": "sampler_name",
    "BasicScheduler": "scheduler steps denoise",
    "KarrasScheduler": "steps",
    "ExponentialScheduler": "steps",
    "SDTurboScheduler": "steps denoise",
    "AlignYourStepsScheduler": "model_type steps denoise",
    "Flux2Scheduler": "steps width height",
    "RandomNoise": "noise_seed",
    "CFGGuider": "cfg",
    "FluxGuidance": "guidance",
    "CLIPTextEncode": "text",
    "CLIPTextEncodeSDXL": _SDXL,
    "CLIPTextEncodeSDXLRefiner": "ascore width height text",
    "CLIPTextEncodeFlux": "clip_l t5xxl guidance",
    "CLIPTextEncodeSD3": "clip_l clip_g t5xxl",
    "CLIPTextEncodeHunyuanDiT": "bert mt5xl",
    "CLIPSetLastLayer": "stop_at_clip_layer",
    "CheckpointLoaderSimple": "ckpt_name",
    "CheckpointLoader": "config_name ckpt_name",
    "UNETLoader": "unet_name",
    "UnetLoaderGGUF": "unet_name",
    "VAELoader": "vae_name",
    "ControlNetLoader": "control_net_name",
    "UpscaleModelLoader": "model_name",
    "LoraLoader": "lora_name strength_model strength_clip",
    "LoraLoaderModelOnly": "lora_name strength_model",
    "EmptyLatentImage": _SIZES,
    "EmptySD3LatentImage": _SIZES,
    "EmptyFlux2LatentImage": _SIZES,
    "Efficient Loader": _LOADER,
    "Eff. Loader SDXL": (
        "base_ckpt_name base_clip_skip refiner_ckpt_name refiner_clip_skip positive_ascore"
        " negative_ascore vae_name positive negative token_normalization weight_interpretation"
        " empty_latent_width empty_latent_height batch_size"
    ),
    "PrimitiveNode": "value",
    "PrimitiveInt": "value",
    "PrimitiveFloat": "value",
    "PrimitiveString": "value",
    "PrimitiveStringMultiline": "value",
    "Seed (rgthree)": "seed",
    "Power Prompt (rgthree)": "prompt",
    "Power Prompt - Simple (rgthree)": "prompt",
    "SDXL Power Prompt - Positive (rgthree)": "prompt_g prompt_l",
    "SDXL Power Prompt - Simple / Negative (rgthree)": "prompt_g prompt_l",
    "ImpactWildcardProcessor": "wildcard_text populated_text",
    "ImpactWildcardEncode": "wildcard_text populated_text",
    "StringConcatenate": "string_a string_b delimiter",
    "Text Concatenate": "delimiter",
    "Text Multiline": "text",
    "String Literal": "string",
    "CR Text": "text",
    "CR Prompt Text": "prompt",
    "easy positive": "positive",
    "easy negative": "negative",
    "SaveImage": "filename_prefix",
}


def is_workflow(table: Table) -> bool:
    """Tell whether a JSON object is what the page shows."""
    return isinstance(table.get("nodes"), list) and "links" in table


def as_graph(table: Table) -> dict[str, Any]:
    """Return the nodes in the API's format as far as their values have names."""
    listed = table["nodes"] if isinstance(table.get("nodes"), list) else []
    nodes = {
        str(node["id"]): node
        for node in listed[:MAX_NODES]
        if isinstance(node, dict) and isinstance(node.get("id"), int | str)
    }
    links = dict(_links(table.get("links")))
    graph = {}
    for key, node in nodes.items():
        if node.get("mode") in (MUTED, BYPASSED):
            continue
        inputs = dict(_values(node))
        for name, number in _linked(node):
            if (source := _source(nodes, links, number)) is not None:
                inputs[name] = list(source)
        graph[key] = {"class_type": str(node.get("type", "")), "inputs": inputs}
    return graph


def _links(links: object) -> Iterator[tuple[int, tuple[str, Any]]]:
    """Yield each link's number, and the node and the output that it comes from."""
    for each in links if isinstance(links, list) else ():
        link = each
        if isinstance(each, dict):
            link = [each.get(name) for name in ("id", "origin_id", "origin_slot")]
        if isinstance(link, list) and len(link) >= 3 and type(link[0]) is int:
            yield link[0], (str(link[1]), link[2])


def _linked(node: Table) -> Iterator[tuple[str, object]]:
    for one in _inputs(node):
        if one.get("link") is not None:
            yield str(one.get("name", "")), one["link"]


def _inputs(node: Table) -> list[dict[str, Any]]:
    listed = node.get("inputs")
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []


def _source(
    nodes: Mapping[str, Table], links: Mapping[int, tuple[str, Any]], number: object
) -> tuple[str, Any] | None:
    """Return the node and output that a link comes from, behind those that are passed by."""
    for _ in range(MAX_HOPS):
        found = links.get(number) if type(number) is int else None
        node = nodes.get(found[0]) if found else None
        if found is None or node is None or node.get("mode") == MUTED:
            return None
        if node.get("mode") == BYPASSED:
            number = _through(node, found[1])
        elif node.get("type") == "GetNode":  # of KJNodes: it has what the other is given
            named = (SETTER, node.get("widgets_values"))
            setters = (one for one in nodes.values() if _named(one) == named)
            number = next((link for one in setters for _, link in _linked(one)), None)
        else:
            return found
    return None


def _named(node: Table) -> tuple[object, object]:
    values = node.get("widgets_values")
    return node.get("type"), values[:1] if isinstance(values, list) else values


def _through(node: Table, output: object) -> object:
    """Return the link that a node which is passed by hands on: its first of the same kind."""
    outputs = node.get("outputs")
    kinds = (
        [one.get("type") for one in outputs if isinstance(one, dict)]
        if isinstance(outputs, list)
        else []
    )
    kind = kinds[output] if type(output) is int and 0 <= output < len(kinds) else None
    return next(
        (one["link"] for one in _inputs(node) if one.get("type") == kind and one.get("link")), None
    )


def _values(node: Table) -> Iterator[tuple[str, Any]]:
    """Yield the values that somebody typed into a node, by their names."""
    values = node.get("widgets_values")
    if isinstance(values, dict):
        yield from ((str(name), value) for name, value in values.items())
        return
    if not isinstance(values, list):
        return
    # rgthree's loader of LoRAs has a table for each.
    yield from (
        (f"lora_{at}", value)
        for at, value in enumerate(values)
        if isinstance(value, dict) and "lora" in value
    )
    plain = [
        value
        for at, value in enumerate(values)
        if not (at and value in (*CONTROL, None) and type(values[at - 1]) in (int, float))
    ]
    names = WIDGETS.get(str(node.get("type", "")), "").split()
    if not names:
        named = [one["widget"] for one in _inputs(node) if isinstance(one.get("widget"), dict)]
        names = [str(one.get("name", "")) for one in named]
        if len(names) != len(plain):  # only some have been made inputs
            return
    yield from zip(names, plain, strict=False)

"""How a picture was made, from the graph that ComfyUI leaves in its files. Imports no torch.

The ``prompt`` chunk is the graph in ComfyUI's API format: a JSON object of nodes by id, each with
``class_type`` and ``inputs``; an input is a value, or ``[id, output]`` of the node it comes from.
Anybody can add kinds of nodes, so nodes are known by their inputs, not by their names: from the
sampler upstream, the nearest node that says something is believed.
"""

from collections import deque
from collections.abc import Iterator
from typing import Any, TypeVar

from generation.json_text import loads
from generation.metadata.infotext import Parameters, sampler_named

Graph = dict[str, dict[str, Any]]
Value = TypeVar("Value", str, int, float)

POSITIVE, NEGATIVE = ("positive", "conditioning"), ("negative",)
TEXTS = ("text", "text_g", "prompt", "string", "value")
MODELS = ("ckpt_name", "unet_name", "model_name")
# It makes nothing of what comes in.
EMPTY = "ConditioningZeroOut"
# ComfyUI's names, in the web UI's words.
SAMPLERS = {
    "ddim": "DDIM",
    "euler": "Euler",
    "euler_ancestral": "Euler a",
    "dpmpp_2m": "DPM++ 2M",
    "dpmpp_2m_sde": "DPM++ 2M SDE",
    "dpmpp_2m_sde_gpu": "DPM++ 2M SDE",
    "uni_pc": "UniPC",
    "uni_pc_bh2": "UniPC",
    "heun": "Heun",
    "lcm": "LCM",
}


def parse(text: str) -> Parameters | None:
    """Return what the graph's first sampler drew, or None where there is no such graph."""
    graph = _read(text)
    start = _sampler(graph)
    if start is None:
        return None
    name = _find(graph, start, ("sampler_name",), str)
    schedule = _find(graph, start, ("scheduler",), str) or ""
    ours = sampler_named(SAMPLERS.get(name or "", ""), schedule)
    other = {"Schedule type": schedule} if schedule and ours is None else {}
    guidance = _find(graph, start, ("cfg", "guidance"), float)
    if guidance is None:
        guidance = _find(graph, start, ("cfg", "guidance"), int)
    denoise = _find(graph, start, ("denoise",), float)
    return Parameters(
        prompt=_prompt(graph, start, POSITIVE),
        negative_prompt=_prompt(graph, start, NEGATIVE),
        steps=_find(graph, start, ("steps",), int),
        sampler=ours.value if ours else name,
        guidance_scale=None if guidance is None else float(guidance),
        seed=_find(graph, start, ("seed", "noise_seed"), int),
        width=_find(graph, start, ("width",), int),
        height=_find(graph, start, ("height",), int),
        model=_find(graph, start, MODELS, str),
        strength=denoise if denoise is not None and 0 < denoise < 1 else None,
        other=other,
    )


def _read(text: str) -> Graph:
    """Return the nodes that are well-formed."""
    try:
        table = loads(text)
    except ValueError:
        return {}
    if not isinstance(table, dict):
        return {}
    return {
        key: node
        for key, node in table.items()
        if isinstance(node, dict) and isinstance(node.get("inputs"), dict)
    }


def _sampler(graph: Graph) -> str | None:
    """Return the first node that samples, preferably one that starts from noise alone."""
    found = [
        key
        for key, node in graph.items()
        if {"steps", "cfg"} <= node["inputs"].keys() or {"guider"} <= node["inputs"].keys()
    ]
    fresh = (key for key in found if graph[key]["inputs"].get("denoise", 1) == 1)
    return next(fresh, found[0] if found else None)


def _prompt(graph: Graph, start: str, inputs: tuple[str, ...]) -> str:
    for key in _upstream(graph, start):
        for name in inputs:
            source = _link(graph[key]["inputs"].get(name))
            if source is not None and source in graph:
                return _find(graph, source, (*TEXTS, *inputs), str, through=inputs) or ""
    return ""


def _find(
    graph: Graph,
    start: str,
    names: tuple[str, ...],
    kind: type[Value],
    through: tuple[str, ...] = (),
) -> Value | None:
    """Return the nearest value of this kind under one of the names."""
    for key in _upstream(graph, start, through):
        inputs = graph[key]["inputs"]
        for name in names:
            if type(inputs.get(name)) is kind:  # a bool would pass for an int
                return inputs[name]
            source = _link(inputs.get(name))
            value = graph.get(source or "", {}).get("inputs", {}).get("value")
            if type(value) is kind:  # a node that holds a number for others
                return value
    return None


def _upstream(graph: Graph, start: str, through: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield a node and those it comes from, the nearest first, each once.

    A node that takes in both prompts is left by the inputs ``through`` alone.
    """
    seen = {start}
    waiting = deque(seen)
    while waiting:
        key = waiting.popleft()
        if graph[key].get("class_type") == EMPTY:
            continue
        yield key
        inputs = graph[key]["inputs"]
        only = [inputs[name] for name in through if _link(inputs.get(name))]
        for value in only or inputs.values():
            source = _link(value)
            if source is not None and source in graph and source not in seen:
                seen.add(source)
                waiting.append(source)


def _link(value: object) -> str | None:
    """Return the id of the node that an input comes from."""
    if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str | int):
        return str(value[0])
    return None

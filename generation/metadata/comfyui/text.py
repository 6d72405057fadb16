"""The prompts of ComfyUI's graphs: joined, encoded twice, styled, and filled in by wildcards."""

import re
from collections.abc import Iterator

from generation.metadata.comfyui.graph import EMPTY, Graph, Node, link

POSITIVE = ("positive", "conditioning", "cond")
NEGATIVE = ("negative",)

MAX_DEPTH = 60
MAX_VISITS = 2000
MAX_LENGTH = 100_000  # characters; a few nodes can double a text often
# What an encoder reads, in the order in which its parts are said.
TEXTS = (
    "populated_text", "text", "text_g", "text_l", "t5xxl", "clip_g", "clip_l", "prompt",
    "prompt_g", "prompt_l",
    "string", "value", "wildcard_text", "text_positive", "llama", "user_prompt", "caption",
)  # fmt: skip
ROLES = {
    POSITIVE: ("text_positive", "positive_prompt", "positive", "pos", "prompt_positive"),
    NEGATIVE: ("text_negative", "negative_prompt", "negative", "neg", "prompt_negative"),
}
JOINING = ("concat", "concatenate", "join", "append", "combine")
BETWEEN = ("delimiter", "separator", "sep")
_CONDITIONING = re.compile(r"(cond|conditioning)(_.*|[0-9]*)")
_NO_WORDS = frozenset(
    ("clip", "model", "vae", "image", "pixels", "mask", "latent", "latent_image", "samples",
     "control_net", "style_model", "clip_vision", "clip_vision_output", "noise", "sigmas")
)  # fmt: skip


class Prompts:
    """Reads a graph's prompts; ``unknown`` tells whether a part of one could not be had."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._visits = 0
        self.unknown = False

    def read(self, start: str, role: tuple[str, ...]) -> str:
        """Return the prompt that a sampler, or what guides it, takes in this role."""
        aside = {"latent_image", "latent", "samples", "latents", "model", *POSITIVE, *NEGATIVE}
        for key in self._graph.upstream(start, aside):
            inputs = self._graph.nodes[key].inputs
            for name in role:
                if self._graph.source(inputs.get(name)) is None:
                    continue
                parts = list(self._conditioning(inputs[name], role, 0))
                text = ", ".join(dict.fromkeys(part for part in parts if part.strip()))
                if not parts:
                    self.unknown = self.unknown or not self._is_empty(inputs[name])
                return text[:MAX_LENGTH]
        return ""

    def _is_empty(self, value: object) -> bool:
        source = self._graph.source(value)
        return source is not None and self._graph.nodes[source].kind == EMPTY

    def _node(self, value: object, depth: int) -> Node | None:
        """Return the node that an input comes from, as long as the walk may go on."""
        self._visits += 1
        source = self._graph.source(value)
        if source is None or depth > MAX_DEPTH or self._visits > MAX_VISITS:
            return None
        return self._graph.nodes[source]

    def _conditioning(self, value: object, role: tuple[str, ...], depth: int) -> Iterator[str]:
        """Yield the texts of what a link conditions on."""
        node = self._node(value, depth)
        if node is None or node.kind == EMPTY:
            return
        inputs = node.inputs
        if texts := list(self._texts(node, role, depth)):
            yield from texts
            return
        names = [name for name in role if link(inputs.get(name))]
        if not names:
            names = [name for name in inputs if _CONDITIONING.fullmatch(name)]
            # Whatever is joined to another comes behind it.
            names.sort(key=lambda name: name.endswith("_from"))
        if not names:
            names = [name for name in inputs if name not in _NO_WORDS]
        for name in names:
            if link(inputs.get(name)):
                yield from self._conditioning(inputs[name], role, depth + 1)

    def _texts(self, node: Node, role: tuple[str, ...], depth: int) -> Iterator[str]:
        """Yield the texts that an encoder, a styler or a loader has among its own inputs."""
        inputs = node.inputs
        if isinstance(filled := inputs.get("populated_text"), str) and filled:
            yield filled
            return
        own = [name for name in ROLES[role] if isinstance(inputs.get(name), str)]
        for name in own[:1] or [name for name in TEXTS if name in inputs]:
            # What conditions has no text; what has is followed by its name alone.
            text = self._string(inputs[name], role, depth + 1)
            if text is not None:
                yield text

    def _string(self, value: object, role: tuple[str, ...], depth: int) -> str | None:
        """Return the text of an input; None where it comes from what cannot be known."""
        if isinstance(value, str):
            return value[:MAX_LENGTH]
        if link(value) is None:
            return None
        node = self._node(value, depth)
        if node is None:
            self.unknown = True
            return None
        if isinstance(filled := node.inputs.get("populated_text"), str) and filled:
            return filled[:MAX_LENGTH]
        if any(word in node.kind for word in JOINING):
            return self._joined(node, role, depth)
        if "style" in node.inputs or "styles" in node.inputs:
            self.unknown = True  # its template is in a file of the styler's
        names = (*ROLES[role], *TEXTS, *_numbered(node), "")
        for name in names:
            if name in node.inputs:
                text = self._string(node.inputs[name], role, depth + 1)
                if text is not None:
                    return text
        self.unknown = True
        return None

    def _joined(self, node: Node, role: tuple[str, ...], depth: int) -> str | None:
        between = next((node.inputs[name] for name in BETWEEN if name in node.inputs), " ")
        between = between.replace("\\n", "\n") if isinstance(between, str) else " "
        parts = [
            self._string(value, role, depth + 1)
            for name, value in node.inputs.items()
            if name not in BETWEEN
            and _is_text_name(name)
            and (isinstance(value, str) or link(value))
        ]
        said = [part for part in parts if part]
        return between.join(said)[:MAX_LENGTH] if said else None


def _is_text_name(name: str) -> bool:
    return (
        name in TEXTS
        or re.fullmatch(
            r"(text|string|str|prompt|input|value|in|a|b)_?([a-z]|[0-9]+)?|(prefix|suffix|positive|negative)",
            name,
        )
        is not None
    )


def _numbered(node: Node) -> list[str]:
    """Return the names of texts that stand in a row, such as a switch's."""
    return [
        name for name in node.inputs if re.fullmatch(r"(text|string|input|any)_?0*[0-9]{1,2}", name)
    ]

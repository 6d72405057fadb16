"""Walking ComfyUI's graphs, which may be of any size, hold anything, and go in circles."""

import math
from collections import deque
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

Value = TypeVar("Value", str, int, float)

MAX_NODES = 5000
MAX_HOPS = 20
# It makes nothing of what comes in.
EMPTY = "conditioningzeroout"
# Nodes that hold a value for others.
HOLDING = ("value", "int", "float", "number", "seed", "noise_seed", "string", "text", "")


@dataclass(frozen=True, slots=True)
class Node:
    """A node; ``kind`` is its class in small letters."""

    kind: str
    inputs: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Graph:
    """The well-formed nodes of a graph."""

    nodes: Mapping[str, Node]

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> "Graph":
        """Return the nodes of a JSON object; what is none is passed over."""
        found = {}
        for key, node in table.items():
            if isinstance(node, dict) and isinstance(node.get("inputs"), dict):
                found[key] = Node(str(node.get("class_type", "")).casefold(), node["inputs"])
            if len(found) == MAX_NODES:
                break
        return cls(found)

    def source(self, value: object) -> str | None:
        """Return the node that an input comes from."""
        key = link(value)
        return key if key in self.nodes else None

    def upstream(self, start: str, aside: Collection[str] = ()) -> Iterator[str]:
        """Yield a node and those it comes from, the nearest first, each once.

        Inputs with the names ``aside`` are not followed.
        """
        yield from self._walk(start, lambda name: name not in aside)

    def along(self, start: str, names: Collection[str]) -> Iterator[str]:
        """Yield a node and those it comes from by inputs with these names."""
        yield from self._walk(start, lambda name: name in names)

    def _walk(self, start: str, follows: Any) -> Iterator[str]:  # noqa: ANN401
        seen = {start}
        waiting = deque(seen)
        while waiting:
            key = waiting.popleft()
            if self.nodes[key].kind == EMPTY:
                continue
            yield key
            for name, value in self.nodes[key].inputs.items():
                source = self.source(value)
                if source is not None and source not in seen and follows(name):
                    seen.add(source)
                    waiting.append(source)

    def value(self, value: object, name: str) -> object:
        """Return an input's value, or the one that the node holds which it comes from."""
        for _ in range(MAX_HOPS):
            source = self.source(value)
            if source is None:
                return None if isinstance(value, list | dict) else value
            inputs = self.nodes[source].inputs
            value = next((inputs[one] for one in (name, *HOLDING) if one in inputs), None)
        return None

    def find(
        self, start: str, names: tuple[str, ...], kind: type[Value], aside: Collection[str] = ()
    ) -> Value | None:
        """Return the nearest value of this kind under one of the names."""
        for key in self.upstream(start, aside):
            for name in names:
                value = self.value(self.nodes[key].inputs.get(name), name)
                if type(value) is kind:  # a bool would pass for an int
                    return value
        return None

    def number(self, start: str, names: tuple[str, ...], aside: Collection[str]) -> float | None:
        """Return the nearest finite number under one of the names."""
        for key in self.upstream(start, aside):
            for name in names:
                value = self.value(self.nodes[key].inputs.get(name), name)
                if (
                    type(value) in (int, float)
                    and abs(value) < 1e18  # type: ignore[arg-type]
                    and math.isfinite(value)  # type: ignore[arg-type]
                ):
                    return float(value)  # type: ignore[arg-type]
        return None

    def whole(self, start: str, names: tuple[str, ...], aside: Collection[str]) -> int | None:
        """Return the nearest whole number under one of the names."""
        return self.find(start, names, int, aside)


def link(value: object) -> str | None:
    """Return the id of the node that an input comes from."""
    if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str | int):
        return str(value[0])
    return None

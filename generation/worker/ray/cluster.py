"""The lanes of a Ray cluster, in the driver's process."""

import asyncio
import uuid
from collections import Counter
from collections.abc import Iterator
from typing import Any

import ray

from generation.worker.link import End
from generation.worker.ray.hosted import HostedLane, Place
from generation.worker.ray.pipes import Pipes
from generation.worker.ray.wire import (
    CLOSE_S,
    SLOT,
    Beat,
    Ended,
    Kill,
    Launch,
    Leave,
    Setup,
    Tell,
    ToDriver,
)

LOOK_S = 1.0  # between two looks at the cluster's nodes


class Cluster:
    """The lanes of the cluster's nodes, by name."""

    def __init__(self, setup: Setup, pipes: Pipes) -> None:
        self._setup, self._pipes = setup, pipes
        self._session = uuid.uuid4().hex
        self._lanes: dict[str, HostedLane] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def obey(self) -> None:
        """Do what the bot says, until it closes its end."""
        while (said := await self._pipes.receive()) is not None:
            if isinstance(said, Launch | Tell | Kill | Leave):
                self._do(said)

    def _do(self, said: ToDriver) -> None:
        lane = self._lanes.get(said.lane)
        if lane is None:
            if isinstance(said, Launch):
                self._pipes.send(Ended(said.epoch, End.LOST))
            return
        match said:
            case Launch(epoch=epoch, catalog=catalog):
                lane.launch(epoch, catalog)
            case Tell(epoch=epoch, command=command):
                lane.tell(epoch, command)
            case Kill(epoch=epoch):
                lane.end(epoch, End.CRASHED)
            case Leave(epoch=epoch):
                lane.end(epoch, End.DRAINED)

    async def watch(self) -> None:
        """Look which nodes there are, again and again; raises what Ray raises."""
        without = None if self._setup.own_node else ray.get_runtime_context().get_node_id()
        while True:
            nodes = await asyncio.to_thread(ray.nodes)
            here = {place.name: place for place in places(nodes, without)}
            for name, lane in list(self._lanes.items()):
                if here.get(name) != lane.place:
                    await self._remove(name)
            for name, place in here.items():
                if name not in self._lanes:
                    lane = HostedLane(place, self._setup, self._session, self._pipes.send)
                    self._lanes[name] = lane
                    self._tasks[name] = asyncio.create_task(lane.run())
            self._pipes.send(Beat())
            await asyncio.sleep(LOOK_S)

    async def leave(self) -> None:
        """Tell every host that this bot goes, within a bound."""
        for task in self._tasks.values():
            task.cancel()
        if self._lanes:
            farewells = [asyncio.create_task(lane.leave()) for lane in self._lanes.values()]
            await asyncio.wait(farewells, timeout=CLOSE_S)

    async def _remove(self, name: str) -> None:
        self._tasks[name].cancel()
        await asyncio.wait([self._tasks.pop(name)])
        self._lanes.pop(name)


def places(nodes: list[dict[str, Any]], without: str | None = None) -> Iterator[Place]:
    """Yield the lanes that living nodes offer, but for one: a lane for each GPU, or else each slot.

    Nodes of the same name are told apart by their ids.
    """
    alive = [node for node in nodes if node["Alive"] and node["NodeID"] != without]
    names = Counter(node["NodeName"] for node in alive)
    for node in alive:
        name = node["NodeName"]
        if names[name] > 1:
            name += f"#{node['NodeID'][:6]}"
        resources = node["Resources"]
        kind, label = ("GPU", "gpu") if resources.get("GPU") else (SLOT, "slot")
        for index in range(int(resources.get(kind, 0))):
            yield Place(f"{name}/{label}:{index}", node["NodeID"], index, kind)

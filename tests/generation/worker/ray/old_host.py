"""Leaves a host of an earlier version on node a, and writes down its process id."""

import os
import sys
from pathlib import Path

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from generation.worker.ray.host import Greeting
from generation.worker.ray.node import Version
from generation.worker.ray.wire import NAMESPACE, SLOT


class OldHost:
    """Answers a greeting, which every version understands."""

    async def greet(self, session: str) -> Greeting:
        return Greeting(Version("0.0.1", "000000000000"), taken=False)

    async def pid(self) -> int:
        return os.getpid()


if __name__ == "__main__":
    address, file = sys.argv[1:]
    ray.init(address, namespace=NAMESPACE, log_to_driver=False, configure_logging=False)
    (node,) = [one["NodeID"] for one in ray.nodes() if one["NodeName"] == "a"]
    host = (
        ray.remote(OldHost)
        .options(
            name=f"{node}/{SLOT}:0",
            lifetime="detached",
            num_cpus=0,
            resources={SLOT: 1},
            scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False),
        )
        .remote()
    )
    Path(file).write_text(str(ray.get(host.pid.remote())))

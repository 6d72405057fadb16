"""`ray start` for tests: without what only people look at, and patient on a busy machine."""

import os
import time

from ray._private import services
from ray._private.node import Node
from ray.scripts import scripts

PATIENCE_S = 100.0

get_node, make_name = services.get_node, Node._make_inc_temp


def patiently(*arguments):
    """Wait longer than Ray's half a minute for a node to register."""
    ends = time.monotonic() + PATIENCE_S
    while True:
        try:
            return get_node(*arguments)
        except Exception:
            if time.monotonic() > ends:
                raise
            time.sleep(0.2)


def nothing(*_, **__):
    """Start no autoscaler and nobody who reads logs."""


def own_name(node, suffix="", prefix="", directory_name=None):
    """Name a socket as no other node of this machine, started at the same time, can name its."""
    return make_name(node, suffix, f"{prefix}.{os.getpid()}", directory_name)


if __name__ == "__main__":
    services.get_node, Node._make_inc_temp = patiently, own_name
    Node.start_log_monitor = Node.start_monitor = nothing
    scripts.main()

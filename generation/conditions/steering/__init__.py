"""What steers pictures besides their prompts: control nets and IP-Adapters, each row its own."""

from generation.conditions.steering.control_net import RowControls
from generation.conditions.steering.ip_adapter import RowReferences
from generation.conditions.steering.steering_pool import (
    NOT_STEERED,
    PLAIN,
    RowSteering,
    Steering,
    SteeringPool,
)

__all__ = [
    "NOT_STEERED",
    "PLAIN",
    "RowControls",
    "RowReferences",
    "RowSteering",
    "Steering",
    "SteeringPool",
]

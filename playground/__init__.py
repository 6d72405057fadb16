"""A local stand-in for Discord: gateway, REST API, file host and a page to play on.

It speaks Discord's wire protocol, so that an unmodified bot runs against it, and refuses what
Discord refuses. It listens on the loopback address only and keeps everything in memory.
"""

from playground.checks.refusals import NotPossible
from playground.interactions.interactions import Interaction
from playground.interactions.invocations import InvalidOption
from playground.messages.files import Attachment, Upload
from playground.messages.messages import Button, Message
from playground.page.model import Model
from playground.server import DEFAULT_TOKEN, Playground
from playground.wire.faults import Fault, Faults, RequestLog, SeenRequest
from playground.wire.gateway import Intent
from playground.world.permissions import Permission
from playground.world.places import Channel
from playground.world.users import Role, User

__all__ = [
    "DEFAULT_TOKEN",
    "Attachment",
    "Button",
    "Channel",
    "Fault",
    "Faults",
    "Intent",
    "Interaction",
    "InvalidOption",
    "Message",
    "Model",
    "NotPossible",
    "Permission",
    "Playground",
    "RequestLog",
    "Role",
    "SeenRequest",
    "Upload",
    "User",
]

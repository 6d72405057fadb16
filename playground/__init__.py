"""A local stand-in for Discord: gateway, REST API, file host and a page to play on.

It speaks Discord's wire protocol, so that an unmodified bot runs against it, and refuses what
Discord refuses. It listens on the loopback address only and keeps everything in memory.
"""

from playground.faults import Fault, Faults, RequestLog, SeenRequest
from playground.files import Attachment, Upload
from playground.gateway import Intent
from playground.interactions import Interaction
from playground.invocations import InvalidOption
from playground.messages import Button, Message
from playground.model import Model
from playground.permissions import Permission
from playground.places import Channel
from playground.refusals import NotPossible
from playground.server import DEFAULT_TOKEN, Playground
from playground.users import Role, User

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

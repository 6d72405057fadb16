"""Discord's permission bits, and what a member may do in a channel."""

from enum import IntFlag


class Permission(IntFlag):
    """The permissions that matter to a bot which answers commands and posts pictures."""

    KICK_MEMBERS = 1 << 1
    BAN_MEMBERS = 1 << 2
    ADMINISTRATOR = 1 << 3
    MANAGE_CHANNELS = 1 << 4
    MANAGE_GUILD = 1 << 5
    ADD_REACTIONS = 1 << 6
    VIEW_AUDIT_LOG = 1 << 7
    VIEW_CHANNEL = 1 << 10
    SEND_MESSAGES = 1 << 11
    MANAGE_MESSAGES = 1 << 13
    EMBED_LINKS = 1 << 14
    ATTACH_FILES = 1 << 15
    READ_MESSAGE_HISTORY = 1 << 16
    MENTION_EVERYONE = 1 << 17
    USE_EXTERNAL_EMOJIS = 1 << 18
    MANAGE_ROLES = 1 << 28
    MANAGE_WEBHOOKS = 1 << 29
    USE_APPLICATION_COMMANDS = 1 << 31
    MANAGE_THREADS = 1 << 34
    CREATE_PUBLIC_THREADS = 1 << 35
    SEND_MESSAGES_IN_THREADS = 1 << 38
    MODERATE_MEMBERS = 1 << 40


ALL = Permission((1 << 53) - 1)
NONE = Permission(0)

EVERYONE = (
    Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.ADD_REACTIONS
    | Permission.EMBED_LINKS
    | Permission.ATTACH_FILES
    | Permission.READ_MESSAGE_HISTORY
    | Permission.USE_APPLICATION_COMMANDS
    | Permission.CREATE_PUBLIC_THREADS
    | Permission.SEND_MESSAGES_IN_THREADS
)
MODERATOR = Permission.MODERATE_MEMBERS | Permission.MANAGE_MESSAGES | Permission.MANAGE_THREADS
BOT = (
    Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.EMBED_LINKS
    | Permission.ATTACH_FILES
    | Permission.READ_MESSAGE_HISTORY
    | Permission.SEND_MESSAGES_IN_THREADS
)


def combine(
    base: int, overwrites: list[tuple[int, int]], everyone: tuple[int, int] | None
) -> Permission:
    """Apply a channel's overwrites to a member's permissions in the server.

    `everyone` is the (allow, deny) of @everyone; `overwrites` holds those of the member's roles
    first, already joined, and then the member's own (API reference, "Permissions: Overwrites").
    """
    if base & Permission.ADMINISTRATOR:
        return ALL
    allowed = base
    for allow, deny in ([everyone] if everyone else []) + overwrites:
        allowed = (allowed & ~deny) | allow
    return Permission(allowed) if allowed & Permission.VIEW_CHANNEL else NONE

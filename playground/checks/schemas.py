"""The bodies of requests: which fields there are, of which type, how long and how large.

From the API reference: "Message Resource", "Component Reference", "Application Commands" and
"Receiving and Responding". What holds between fields is checked where they are read.
"""

from playground.checks.shapes import (
    INT64,
    SAFE,
    Address,
    Either,
    Fields,
    Flag,
    Kinds,
    Listed,
    Moment,
    Named,
    Number,
    OneOf,
    Shape,
    Snowflake,
    Text,
    Whole,
)

LOCALES = 34
CHANNEL_TYPES = OneOf((0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15, 16))


def _localized(name: str, shape: Text) -> dict[str, Shape]:
    return {f"{name}_localizations": Named(Text(1, shape.high), LOCALES)}


# --- Commands ---

_NAME, _DESCRIPTION = Text(1, 32), Text(1, 100)
_OWN = {"name": _NAME, "description": _DESCRIPTION}
_SAID = _localized("name", _NAME) | _localized("description", _DESCRIPTION)
_BASE = _SAID | {"required": Flag()}
_TYPED: dict[str, Shape] = {"autocomplete": Flag()}


def choice(value: Shape) -> Fields:
    """Give the shape of a choice with such a value."""
    name = Text(1, 100)
    return Fields({"name": name, "value": value}, _localized("name", name))


CHOICES = {3: choice(Text(1, 100)), 4: choice(Whole(*SAFE)), 10: choice(Number())}
"""Of an option's types that have choices: the shape of one."""


def _option(kind: int, more: dict[str, Shape] | None = None) -> Fields:
    optional = _BASE | (more or {})
    if kind in CHOICES:
        optional |= _TYPED | {"choices": Listed(CHOICES[kind], 0, 25)}
    return Fields(_OWN, optional)


_VALUES: dict[int, Shape] = {
    **{kind: _option(kind) for kind in (5, 6, 8, 9, 11)},
    3: _option(3, {"min_length": Whole(0, 6000), "max_length": Whole(1, 6000)}),
    4: _option(4, {"min_value": Whole(*SAFE), "max_value": Whole(*SAFE)}),
    7: _option(7, {"channel_types": Listed(CHANNEL_TYPES, unique=True)}),
    10: _option(10, {"min_value": Number(), "max_value": Number()}),
}
_SUBCOMMAND = _option(1, {"options": Listed(Kinds(_VALUES), 0, 25)})
_GROUP = _option(2, {"options": Listed(Kinds({1: _SUBCOMMAND}), 0, 25)})

COMMAND = Fields(
    {"name": _NAME},
    _SAID
    | {
        "description": Text(0, 100),
        "options": Listed(Kinds({1: _SUBCOMMAND, 2: _GROUP} | _VALUES), 0, 25),
        "default_member_permissions": Either((Snowflake(), Whole(0, (1 << 54) - 1))),
        "dm_permission": Flag(),
        "contexts": Listed(OneOf((0, 1, 2)), 1, unique=True),
        "integration_types": Listed(OneOf((0, 1)), 1, unique=True),
        "handler": OneOf((1, 2)),
        "type": OneOf((1, 2, 3, 4)),
        "id": Snowflake(),
        "nsfw": Flag(),
    },
)

COMMANDS = Listed(COMMAND, 0, 130)

# --- Components ---

_ID: dict[str, Shape] = {"id": Whole(0)}
_CUSTOM_ID = Text(1, 100)
_EMOJI = Fields({"name": Text(0, 32)}, {"id": Snowflake(), "animated": Flag()})
_BUTTON = Fields(
    {"style": OneOf((1, 2, 3, 4, 5, 6))},
    _ID
    | {
        "custom_id": _CUSTOM_ID,
        "label": Text(0, 80),
        "disabled": Flag(),
        "url": Address(512),
        "sku_id": Snowflake(),
        "emoji": _EMOJI,
    },
)
_MENU: dict[str, Shape] = _ID | {
    "placeholder": Text(0, 150),
    "min_values": Whole(0, 25),
    "max_values": Whole(1, 25),
    "disabled": Flag(),
    "required": Flag(),
}
_OPTION = Fields(
    {"label": Text(1, 100), "value": Text(1, 100)},
    {"description": Text(0, 100), "default": Flag(), "emoji": _EMOJI},
)


def _menu(*defaults: str, **more: Shape) -> Fields:
    value = Fields({"type": OneOf(defaults), "id": Snowflake()})
    entities: dict[str, Shape] = {"default_values": Listed(value, 0, 25)}
    return Fields({"custom_id": _CUSTOM_ID}, _MENU | entities | more)


_MENUS: dict[int, Shape] = {
    3: Fields({"custom_id": _CUSTOM_ID, "options": Listed(_OPTION, 1, 25)}, _MENU),
    5: _menu("user"),
    6: _menu("role"),
    7: _menu("user", "role"),
    8: _menu("channel", channel_types=Listed(CHANNEL_TYPES, unique=True)),
}
_ROW = Fields({"components": Listed(Kinds({2: _BUTTON} | _MENUS), 1, 5)}, _ID)
_NOT_IN_ROWS = (9, 10, 11, 12, 13, 14, 17)

_FIELD = Fields(
    {"custom_id": _CUSTOM_ID, "style": OneOf((1, 2))},
    _ID
    | {
        "label": Text(1, 45),
        "value": Text(0, 4000),
        "placeholder": Text(0, 100),
        "required": Flag(),
        "min_length": Whole(0, 4000),
        "max_length": Whole(1, 4000),
    },
)
_LABEL = Fields(
    {"label": Text(1, 45), "component": Kinds({4: _FIELD} | _MENUS, (19, 21, 22, 23))},
    _ID | {"description": Text(1, 100)},
)
_FORM_ROW = Fields({"components": Listed(Kinds({4: _FIELD}), 1, 5)}, _ID)
_SHOWN_TEXT = Fields({"content": Text(1, 4000)}, _ID)
FORM = Fields(
    {
        "custom_id": _CUSTOM_ID,
        "title": Text(1, 45),
        "components": Listed(Kinds({1: _FORM_ROW, 10: _SHOWN_TEXT, 18: _LABEL}), 1, 5),
    }
)

# --- Messages ---

_PICTURE = Fields(optional={"url": Address(), "description": Text(0, 4096)})
_EMBED = Fields(
    optional={
        "type": Text(),
        "url": Address(),
        "title": Text(0, 256),
        "color": Whole(0, 0xFFFFFF),
        "timestamp": Moment(),
        "description": Text(0, 4096),
        "author": Fields(optional={"name": Text(0, 256), "url": Address(), "icon_url": Address()}),
        "image": _PICTURE,
        "thumbnail": _PICTURE,
        "video": _PICTURE,
        "footer": Fields(optional={"text": Text(0, 2048), "icon_url": Address()}),
        "provider": Fields(optional={"name": Text(0, 256), "url": Address()}),
        "fields": Listed(
            Fields({"name": Text(0, 256), "value": Text(0, 1024)}, {"inline": Flag()}), 0, 25
        ),
    }
)
_ATTACHMENT = Fields(
    {"id": Snowflake()},
    {
        "filename": Text(1, 1024),
        "description": Text(0, 1024),
        "title": Text(0, 1024),
        "is_spoiler": Flag(),
    },
)
_MENTIONS = Fields(
    optional={
        "parse": Listed(OneOf(("users", "roles", "everyone")), unique=True),
        "users": Listed(Snowflake(), 0, 100, unique=True),
        "roles": Listed(Snowflake(), 0, 100, unique=True),
        "replied_user": Flag(),
    }
)
_REFERENCE = Fields(
    {"message_id": Snowflake()},
    {
        "guild_id": Snowflake(),
        "channel_id": Snowflake(),
        "fail_if_not_exists": Flag(),
        "type": OneOf((0, 1)),
    },
)
MESSAGE = Fields(
    optional={
        "content": Text(0, 2000),
        "embeds": Listed(_EMBED, 0, 10),
        "allowed_mentions": _MENTIONS,
        "components": Listed(Kinds({1: _ROW}, _NOT_IN_ROWS), 0, 40),
        "flags": Whole(*INT64),
        "attachments": Listed(_ATTACHMENT, 0, 10),
        "message_reference": _REFERENCE,
        "nonce": Either((Whole(*INT64), Text(0, 25))),
        "enforce_nonce": Flag(),
        "tts": Flag(),
    }
)

# --- Interactions and others ---

SUGGESTIONS = {
    kind: Fields(optional={"choices": Listed(shape, 0, 25)}) for kind, shape in CHOICES.items()
}
"""Of an option's type: the shape of what is suggested while it is typed."""

FIRST_ANSWER = Fields({"type": Whole()}, {"data": Fields()})
RECIPIENT = Fields({"recipient_id": Snowflake()})

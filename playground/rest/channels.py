"""Channels and their messages, by the bot's own token."""

from playground.checks import refusals
from playground.messages import drafts
from playground.messages.drafts import Draft
from playground.messages.messages import REPLY, Message
from playground.rest.router import NO_CONTENT, Call, Reply, Route
from playground.world.permissions import Permission
from playground.world.places import Channel


def _open(call: Call) -> tuple[Channel, Permission]:
    """Give the path's channel and what the bot may do in it; Refusal 50001 if it sees nothing."""
    channel = call.channel()
    world = call.state.world
    mine = world.permissions(world.bot, channel)
    if not mine & Permission.VIEW_CHANNEL:
        raise refusals.missing_access()
    return channel, mine


def _demand(mine: Permission, needed: Permission) -> None:
    if mine & needed != needed:
        raise refusals.missing_permissions()


def _demand_for(draft: Draft, mine: Permission) -> None:
    if draft.uploads:
        _demand(mine, Permission.ATTACH_FILES)
    if draft.embeds:
        _demand(mine, Permission.EMBED_LINKS)


def _message(call: Call, channel: Channel) -> Message:
    """Give the path's message; a private one does not exist for the bot's own token."""
    message = call.state.messages.get(channel, call.id("message_id"))
    if message.private_to is not None:
        raise refusals.unknown("Message")
    return message


def get_channel(call: Call) -> Reply:
    """Give a channel."""
    return Reply(_open(call)[0].payload())


def list_messages(call: Call) -> Reply:
    """List messages, newest first, up to `limit` and before, after or around one."""
    channel, mine = _open(call)
    if not mine & Permission.READ_MESSAGE_HISTORY:
        return Reply([])
    limit = min(max(int(call.query.get("limit", 50)), 1), 100)
    messages = call.state.messages.visible(channel)
    if "before" in call.query:
        messages = [m for m in messages if m.id < int(call.query["before"])]
    if "after" in call.query:
        messages = [m for m in messages if m.id > int(call.query["after"])][:limit]
    if "around" in call.query:
        middle = int(call.query["around"])
        nearest = sorted(messages, key=lambda m: abs(m.id - middle))[:limit]
        messages = sorted(nearest, key=lambda m: m.id)
    return Reply([message.payload() for message in messages[-limit:][::-1]])


def post_message(call: Call) -> Reply:
    """Post a message."""
    channel, mine = _open(call)
    _demand(mine, channel.needed_to_write)
    draft = drafts.read(call.body)
    _demand_for(draft, mine)
    world, messages = call.state.world, call.state.messages
    if channel.recipient is not None and channel.recipient.id in world.deaf_to_direct_messages:
        raise refusals.closed_direct_messages()
    reply_to = None if draft.reply_to is None else messages.get(channel, draft.reply_to)
    kind = REPLY if reply_to else 0
    return Reply(messages.create(channel, world.bot, draft, kind=kind, reply_to=reply_to).payload())


def get_message(call: Call) -> Reply:
    """Give a message."""
    channel, mine = _open(call)
    _demand(mine, Permission.READ_MESSAGE_HISTORY)
    return Reply(_message(call, channel).payload())


def edit_message(call: Call) -> Reply:
    """Change one of the bot's messages."""
    channel, mine = _open(call)
    message = _message(call, channel)
    if message.author != call.state.world.bot:
        raise refusals.not_the_author()
    draft = drafts.read(call.body)
    _demand_for(draft, mine)
    return Reply(call.state.messages.edit(message, draft).payload())


def delete_message(call: Call) -> Reply:
    """Remove a message: the bot's own, or any where it may manage messages."""
    channel, mine = _open(call)
    message = _message(call, channel)
    if message.author != call.state.world.bot:
        _demand(mine, Permission.MANAGE_MESSAGES)
    call.state.messages.delete(message)
    return NO_CONTENT


def typing(call: Call) -> Reply:
    """Show that the bot is typing."""
    channel, mine = _open(call)
    _demand(mine, channel.needed_to_write)
    call.state.feed.publish("typing", {"channel_id": str(channel.id)})
    return NO_CONTENT


_CHANNEL = r"/channels/{channel_id:\d+}"
_MESSAGE = _CHANNEL + r"/messages/{message_id:\d+}"

ROUTES = (
    Route("GET", _CHANNEL, get_channel),
    Route("GET", _CHANNEL + "/messages", list_messages),
    Route("POST", _CHANNEL + "/messages", post_message),
    Route("GET", _MESSAGE, get_message),
    Route("PATCH", _MESSAGE, edit_message),
    Route("DELETE", _MESSAGE, delete_message),
    Route("POST", _CHANNEL + "/typing", typing),
)

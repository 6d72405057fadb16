"""Answers to interactions: the first one, and those through its token afterwards."""

from typing import Any

from playground.interactions.interactions import Callback
from playground.messages import drafts
from playground.messages.drafts import EPHEMERAL
from playground.messages.messages import Message
from playground.rest.router import NO_CONTENT, Call, Reply, Route

Json = dict[str, Any]


def callback(call: Call) -> Reply:
    """Take the first answer."""
    book = call.state.interactions
    interaction = book.to_answer(call.id("interaction_id"), call.path["token"])
    answer = book.answer(interaction, call.body)
    if call.query.get("with_response") not in ("1", "true", "True"):
        return NO_CONTENT
    about: Json = {"id": str(interaction.id), "type": int(interaction.kind)}
    body: Json = {"interaction": about}
    message = interaction.original
    if message is not None:
        about |= {
            "response_message_id": str(message.id),
            "response_message_loading": message.thinking,
            "response_message_ephemeral": bool(message.flags & EPHEMERAL),
        }
        if answer in (Callback.MESSAGE, Callback.UPDATE):
            body["resource"] = {"type": int(answer), "message": message.payload()}
    return Reply(body)


def _message(call: Call) -> Message:
    book = call.state.interactions
    interaction = book.by_token(call.id("application_id"), call.path["token"])
    return book.message(interaction, call.path["message_id"])


def follow_up(call: Call) -> Reply:
    """Post another message."""
    book = call.state.interactions
    interaction = book.by_token(call.id("application_id"), call.path["token"])
    return Reply(book.follow_up(interaction, drafts.read(call.body)).payload())


def get(call: Call) -> Reply:
    """Give one of the interaction's messages."""
    return Reply(_message(call).payload())


def edit(call: Call) -> Reply:
    """Change one of the interaction's messages."""
    message = _message(call)
    return Reply(call.state.messages.edit(message, drafts.read(call.body)).payload())


def delete(call: Call) -> Reply:
    """Remove one of the interaction's messages."""
    call.state.messages.delete(_message(call))
    return NO_CONTENT


_HOOK = r"/webhooks/{application_id:\d+}/{token}"
_ONE = _HOOK + r"/messages/{message_id:@original|\d+}"

ROUTES = (
    Route(
        "POST", r"/interactions/{interaction_id:\d+}/{token}/callback", callback, needs_token=False
    ),
    Route("POST", _HOOK, follow_up, needs_token=False),
    Route("GET", _ONE, get, needs_token=False),
    Route("PATCH", _ONE, edit, needs_token=False),
    Route("DELETE", _ONE, delete, needs_token=False),
)

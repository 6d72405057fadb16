"""What Discord answers when it says no.

Codes are from the API reference, "Opcodes and Status Codes: JSON Error Codes"; texts are Discord's.
"""

from collections.abc import Sized
from dataclasses import dataclass, field
from typing import Any


class Refusal(Exception):
    """A request that Discord would turn down, with the answer it would give."""

    def __init__(
        self, status: int, code: int, message: str, errors: dict[str, Any] | None = None
    ) -> None:
        super().__init__(f"{status} {code}: {message} {errors or ''}".rstrip())
        self.status = status
        self.code = code
        self.message = message
        self.errors = errors

    def payload(self) -> dict[str, Any]:
        """Give the answer's JSON body."""
        body: dict[str, Any] = {"message": self.message, "code": self.code}
        if self.errors:
            body["errors"] = self.errors
        return body


class Unsupported(Exception):
    """Something that Discord can do and this stand-in cannot: reported, never passed over."""


class NotPossible(Exception):
    """Something that Discord's client would not let this person do here and now."""


def unauthorized() -> Refusal:
    """Refuse a missing or wrong bot token."""
    return Refusal(401, 0, "401: Unauthorized")


def invalid_webhook_token() -> Refusal:
    """Refuse an interaction token older than fifteen minutes."""
    return Refusal(401, 50027, "Invalid Webhook Token")


def unknown(what: str) -> Refusal:
    """Refuse to act on something that is not there, such as "Message" or "Interaction"."""
    codes = {
        "Channel": 10003,
        "Guild": 10004,
        "Member": 10007,
        "Message": 10008,
        "Role": 10011,
        "User": 10013,
        "Webhook": 10015,
        "Interaction": 10062,
        "application command": 10063,
    }
    return Refusal(404, codes[what], f"Unknown {what}")


def already_acknowledged() -> Refusal:
    """Refuse a second first answer."""
    return Refusal(400, 40060, "Interaction has already been acknowledged.")


def empty_message() -> Refusal:
    """Refuse a message with nothing in it."""
    return Refusal(400, 50006, "Cannot send an empty message")


def missing_permissions() -> Refusal:
    """Refuse what the bot's permissions do not allow."""
    return Refusal(403, 50013, "Missing Permissions")


def missing_access() -> Refusal:
    """Refuse a look into a channel that the bot may not view."""
    return Refusal(403, 50001, "Missing Access")


def not_the_author() -> Refusal:
    """Refuse to edit somebody else's message."""
    return Refusal(403, 50005, "Cannot edit a message authored by another user")


def closed_direct_messages() -> Refusal:
    """Refuse a direct message to somebody who takes none."""
    return Refusal(403, 50007, "Cannot send messages to this user")


def too_large() -> Refusal:
    """Refuse a file, or a whole request, over the limit."""
    return Refusal(413, 40005, "Request entity too large")


def too_many_commands_today() -> Refusal:
    """Refuse the 201st new command of a day."""
    message = "Max number of daily application command creates has been reached (200)"
    return Refusal(400, 30034, message)


def blocked_by_automod(code: int = 200000) -> Refusal:
    """Refuse a message that a server's AutoMod, or its filter of links (240000), blocks."""
    said = {
        200000: "Message was blocked by automatic moderation",
        200001: "Title was blocked by automatic moderation",
        240000: "Message was blocked by harmful links filter",
    }
    return Refusal(400, code, said[code])


def entry_point_left_out() -> Refusal:
    """Refuse a list of commands without the Entry Point command that is there."""
    message = "You cannot remove this app's Entry Point command in a bulk update operation."
    return Refusal(400, 50240, message)


@dataclass(slots=True)
class FormErrors:
    """Collects what is wrong with a body and where, in the nested shape that Discord uses."""

    tree: dict[str, Any] = field(default_factory=dict)

    def add(self, path: str, code: str, message: str) -> None:
        """Note a mistake at a dotted path, such as `embeds.0.title`; "" is the whole."""
        node = self.tree
        for part in path.split(".") if path else []:
            node = node.setdefault(part, {})
        node.setdefault("_errors", []).append({"code": code, "message": message})

    def longest(self, path: str, text: Sized, limit: int) -> None:
        """Note a text (or list) of more than `limit` characters."""
        if len(text) > limit:
            self.add(path, "BASE_TYPE_MAX_LENGTH", f"Must be {limit} or fewer in length.")

    def length(self, path: str, text: Sized, low: int, high: int) -> None:
        """Note a text (or list) whose length is outside `low` to `high`."""
        if not low <= len(text) <= high:
            self.add(path, "BASE_TYPE_BAD_LENGTH", f"Must be between {low} and {high} in length.")

    def required(self, path: str) -> None:
        """Note a field that is missing."""
        self.add(path, "BASE_TYPE_REQUIRED", "This field is required")

    def raise_if_any(self) -> None:
        """Raise Refusal 50035 when anything was noted."""
        if self.tree:
            raise Refusal(400, 50035, "Invalid Form Body", _pruned(self.tree))


def _pruned(node: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is wrong inside of what is wrong itself, as Discord does."""
    if "_errors" in node:
        return {"_errors": node["_errors"]}
    return {key: _pruned(inner) for key, inner in node.items()}

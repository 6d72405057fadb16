"""Where a message came from, when it answers an interaction."""

from dataclasses import dataclass
from typing import Any

from playground.world.users import User

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Origin:
    """The interaction that a message answers; `triggering` is the one that opened a modal."""

    interaction_id: int
    kind: int
    user: User
    command: str | None
    guild_id: int | None
    command_type: int = 1
    interacted_message_id: int | None = None
    target_user: User | None = None
    target_message_id: int | None = None
    triggering: "Origin | None" = None

    def metadata(self, original_response_id: int | None = None) -> Json:
        """Give Discord's `interaction_metadata`."""
        owners = {"0": str(self.guild_id or 0)}
        body: Json = {
            "id": str(self.interaction_id),
            "type": self.kind,
            "user": self.user.payload(),
            "authorizing_integration_owners": owners,
        }
        if self.command is not None:
            # Not documented, but sent, and what the client shows as "used /…".
            body |= {"name": self.command, "command_type": self.command_type}
        if self.interacted_message_id is not None:
            body["interacted_message_id"] = str(self.interacted_message_id)
        if self.target_user is not None:
            body["target_user"] = self.target_user.payload()
        if self.target_message_id is not None:
            body["target_message_id"] = str(self.target_message_id)
        if self.triggering is not None:
            body["triggering_interaction_metadata"] = self.triggering.metadata()
        if original_response_id is not None:
            body["original_response_message_id"] = str(original_response_id)
        return body

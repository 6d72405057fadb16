"""Who listens to everything that goes between the bot and the playground."""

from dataclasses import dataclass
from typing import Any, Protocol

from playground.wire.bodies import Body

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request of the bot and what it was answered.

    `body` is None where the request was turned away before it was read, `answer` where the answer
    has no body. `by_fault` tells that somebody asked for this answer, whatever the truth is.
    """

    method: str
    path: str
    body: Body | None
    status: int
    answer: Any
    by_fault: bool


class Observer(Protocol):
    """Is told of everything, and changes nothing."""

    def exchanged(self, exchange: Exchange) -> None:
        """Hear of a request and its answer."""

    def told(self, event: str, data: Json) -> None:
        """Hear of an event that the gateway sends to the bot."""

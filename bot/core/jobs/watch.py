"""Whoever watches what happens, for figures; see `bot.watching`, which is told so only if asked."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp import TraceConfig

    from bot.ui.delivery.clock import DiscordClock


class Watch:
    """Forgets everything at once: for a bot whose figures nobody asks for."""

    def job_failed(self, error: BaseException) -> None:
        """Hear why a job has no pictures."""

    def refused(self, error: BaseException) -> None:
        """Hear why a command, a button or a form did not do what it says."""

    def listen(self, trace: "TraceConfig", clock: "DiscordClock") -> "TraceConfig":  # noqa: ARG002
        """Hear of every request of an HTTP client with this trace; ``clock`` is Discord's."""
        return trace

"""What is logged, and what never is."""

import logging
import re

# Whoever holds an interaction's token can write in our name; it is part of the addresses we call.
TOKEN_IN_ADDRESS = re.compile(r"((?:webhooks|interactions)/\d+/)[^/\s?'\"]+")


class Redacted(logging.Formatter):
    """Leaves the tokens out of every line, tracebacks included."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line with ``…`` where a token stood."""
        return TOKEN_IN_ADDRESS.sub(r"\1…", super().format(record))


def configure(level: str) -> None:
    """Log to standard error, everything of ours from ``level`` up."""
    handler = logging.StreamHandler()
    handler.setFormatter(Redacted("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("discord").setLevel(max(logging.INFO, logging.getLevelName(level)))
    for chatty in ("alembic", "discord.client"):
        logging.getLogger(chatty).setLevel(logging.ERROR)

"""Parsing untrusted JSON safely. Imports no torch."""

import json
from typing import Any


def loads(text: str | bytes) -> Any:  # noqa: ANN401 - JSON is anything
    """Return the parsed text; raises ValueError if it is not JSON, or nested too deeply."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None

"""Parsing untrusted JSON safely. Imports no torch."""

import json
import math
from typing import Any


def loads(text: str | bytes) -> Any:  # noqa: ANN401 - JSON is anything
    """Return the parsed text; raises ValueError if it is not JSON, or nested too deeply."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def loads_finite(text: str | bytes) -> Any:  # noqa: ANN401 - JSON is anything
    """Return what `loads` does; raises ValueError for what is no number, as NaN and 1e999, too."""
    try:
        return json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text[:20]} is too large")
    return number

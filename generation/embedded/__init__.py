"""The default checkpoint: weights in diffusers' folder format, model card, and training recipe."""

import json
import re
from pathlib import Path

CHECKPOINT = Path(__file__).parent / "checkpoint"
CONCEPTS = CHECKPOINT / "concepts.json"
WORDS = Path(__file__).parent / "words.json"
"""Words that it learned beside the names of concepts: colours, places, light."""

_SAY_NOTHING = frozenset((
    "a", "above", "against", "among", "an", "and", "as", "at", "away", "before", "behind",
    "beneath", "between", "by", "far", "for", "from", "in", "into", "is", "it", "no", "not", "of",
    "off", "on", "or", "out", "over", "the", "through", "to", "under", "up", "with",
))  # fmt: skip


def concepts() -> list[str]:
    """Return the names of the objects that the checkpoint was trained to draw."""
    names: list[str] = json.loads(CONCEPTS.read_text("utf-8"))
    return names


def known_words() -> frozenset[str]:
    """Return every word that the checkpoint knows, in lower case."""
    learned = [*concepts(), *json.loads(WORDS.read_text("utf-8"))]
    words = {word for text in learned for word in re.findall(r"\w+", text.casefold())}
    return frozenset(words - _SAY_NOTHING)

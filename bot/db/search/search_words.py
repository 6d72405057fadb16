"""Normalizing prompts and searches, and the trigram index of prompts."""

import unicodedata

from bot.db.records import Words

TRIGRAM = 3
# Of a long search only this many are looked up: each costs time, and matches are verified anyhow.
MOST_TRIGRAMS = 8


def fold(text: str) -> str:
    """Return text with case, character width and spaces normalized.

    SQLite accepts no lone surrogates, and its tokenizer stops at a NUL.
    """
    whole = text.encode("utf-8", "replace").decode().replace("\0", " ")
    return " ".join(unicodedata.normalize("NFKC", whole).casefold().split())


def searchable(words: Words) -> str:
    """Return the searchable text of a person's job; no search matches across its lines."""
    return f"{fold(words.prompt)}\n{fold(words.negative_prompt)}"


def trigrams(words: str) -> str | None:
    """Return the FTS5 expression that matches these folded words, and possibly more.

    None if they are too short to have a trigram. In quotes, nothing is special to FTS5.
    """
    last = len(words) - TRIGRAM
    if last < 0:
        return None
    count = min(last + 1, MOST_TRIGRAMS)
    starts = [last * step // max(count - 1, 1) for step in range(count)]
    quoted = (words[start : start + TRIGRAM].replace('"', '""') for start in starts)
    return " AND ".join(f'"{trigram}"' for trigram in dict.fromkeys(quoted))

"""Words: how prompts and searches are compared, and the index of the prompts' trigrams."""

import unicodedata

from bot.db.records import Words

TRIGRAM = 3
# Of a long search so many are looked up: each costs time, and what they find is read again anyhow.
MOST_TRIGRAMS = 8


def fold(text: str) -> str:
    """Return text so that what people take for the same is the same: capitals, widths, blanks.

    SQLite takes no half of a surrogate pair, and its tokenizer stops at a NUL.
    """
    whole = text.encode("utf-8", "replace").decode().replace("\0", " ")
    return " ".join(unicodedata.normalize("NFKC", whole).casefold().split())


def searchable(words: Words) -> str:
    """Return what a person's job is searched by; no search finds words across the line's end."""
    return f"{fold(words.prompt)}\n{fold(words.negative_prompt)}"


def trigrams(words: str) -> str | None:
    """Return the FTS5 expression that matches wherever these folded words are, and elsewhere.

    None where they are too short to have a trigram. Whatever is in quotes means nothing to FTS5.
    """
    last = len(words) - TRIGRAM
    if last < 0:
        return None
    count = min(last + 1, MOST_TRIGRAMS)
    starts = [last * step // max(count - 1, 1) for step in range(count)]
    quoted = (words[start : start + TRIGRAM].replace('"', '""') for start in starts)
    return " AND ".join(f'"{trigram}"' for trigram in dict.fromkeys(quoted))

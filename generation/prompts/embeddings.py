"""Embeddings' names in prompts: ``badhands``, ``embedding:badhands``. Imports no torch."""

from collections.abc import Iterable, Iterator

from generation.prompts.texts import as_encoded

PREFIX = "embedding:"  # ComfyUI's
SUFFIXES = (".safetensors", ".pt", ".bin")  # as some write behind it


class EmbeddingNames:
    """Finds embeddings' names in prompts, in any case, the longest first."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = {_folded(name): name for name in names if name}
        self._lengths = sorted({len(name) for name in self._names}, reverse=True)

    def split(self, text: str) -> Iterator[tuple[str, str | None]]:
        """Yield the text in order, each piece with the embedding that it names, if any.

        A name is a whole word or several; ``embedding:`` before it and a file's suffix behind it
        belong to it.
        """
        folded = _folded(text)
        begin = place = 0
        while self._names and place < len(text):
            found = self._at(folded, place)
            if found is None:
                place += 1
                continue
            name, end = found
            if begin < place:
                yield text[begin:place], None
            yield text[place:end], name
            begin = place = end
        if begin < len(text):
            yield text[begin:], None

    def _at(self, text: str, place: int) -> tuple[str, int] | None:
        """Return the name that begins at ``place``, and where it ends."""
        start = place + len(PREFIX) if text.startswith(PREFIX, place) else place
        if _inside_a_word(text, place):
            return None
        for length in self._lengths:
            end = start + length
            name = self._names.get(text[start:end])
            if name is None or end > len(text):
                continue
            if suffix := next((one for one in SUFFIXES if text.startswith(one, end)), ""):
                end += len(suffix)
            if not _inside_a_word(text, end):
                return name, end
        return None


def named_in(prompt: str, names: Iterable[str]) -> set[str]:
    """Return those of embeddings' names that a prompt names at any of its steps."""
    known = EmbeddingNames(tuple(names))
    texts = (encoded.text for encoded in as_encoded(prompt))
    return {name for text in texts for _, name in known.split(text) if name is not None}


def _folded(text: str) -> str:
    """Return it in lower case, with as many characters as before."""
    return "".join(lower if len(lower := one.lower()) == 1 else one for one in text)


def _inside_a_word(text: str, place: int) -> bool:
    return 0 < place < len(text) and _is_word(text[place - 1]) and _is_word(text[place])


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"

"""Prompts as one long sequence, for T5 and language models, and a cache of what was read."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

import torch
from transformers import PreTrainedTokenizerBase, T5EncoderModel

from generation.engine.prompt import CACHE_BYTES, weigh
from generation.prompts.weights import parse


@dataclass(frozen=True, slots=True)
class Words:
    """A prompt without its syntax, and the weight of each character."""

    text: str
    weights: tuple[float, ...]

    @classmethod
    def of(cls, prompt: str) -> "Words":
        """Return a prompt's words, a space between its sections; raises InvalidRequest."""
        text, weights = "", [1.0][:0]
        for section in parse(prompt):
            if text and section:
                text, weights = text + " ", [*weights, 1.0]
            for piece in section:
                text, weights = text + piece.text, weights + [piece.weight] * len(piece.text)
        return cls(text, tuple(weights))


@dataclass(frozen=True, slots=True)
class Encoded:
    """What an encoder made of a prompt, [1, …], read-only, and the words that did not fit."""

    tensor: torch.Tensor
    cut: str = ""


class PromptCache:
    """What was encoded latest, in at most ``most`` bytes."""

    def __init__(self, most: int = CACHE_BYTES) -> None:
        self._most = most
        self._bytes = 0
        self._kept: OrderedDict[Hashable, Encoded] = OrderedDict()

    def get(self, key: Hashable, encode: Callable[[], Encoded]) -> Encoded:
        """Return what is kept under a key, encoding it first if nothing is."""
        if key not in self._kept:
            self._kept[key] = encode()
            self._bytes += self._kept[key].tensor.nbytes
        self._kept.move_to_end(key)
        found = self._kept[key]
        while self._bytes > self._most:
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= oldest.tensor.nbytes
        return found


class T5Reader:
    """Encodes prompts with T5, each padded to one of the lengths that its model was trained on.

    A token weighs as much as its last character, and its vector is multiplied by that as CLIP's
    are; a ``BREAK`` is a space. Without weights, T5 is given what diffusers gives it.
    """

    def __init__(
        self, tokenizer: PreTrainedTokenizerBase, encoder: T5EncoderModel, device: torch.device
    ) -> None:
        self._tokenizer = tokenizer
        self._encoder = encoder
        self._device = device
        self._cache = PromptCache()

    def length(self, prompt: str) -> int:
        """Return how many tokens a prompt has, its end included."""
        return len(self._tokenizer(Words.of(prompt).text, verbose=False).input_ids)

    def encode(self, prompt: str, length: int) -> Encoded:
        """Return a prompt's embedding [1, length, width]."""
        return self._cache.get((prompt, length), lambda: self._encode(prompt, length))

    @torch.inference_mode()
    def _encode(self, prompt: str, length: int) -> Encoded:
        words = Words.of(prompt)
        found = self._tokenizer(
            words.text, add_special_tokens=False, return_offsets_mapping=True, verbose=False
        )
        kept, places = found.input_ids[: length - 1], found.offset_mapping
        unused = length - 1 - len(kept)
        ids = [*kept, self._tokenizer.eos_token_id, *[self._tokenizer.pad_token_id] * unused]
        weights = [words.weights[end - 1] for _, end in places[: len(kept)]]
        cut = words.text[places[len(kept)][0] :] if len(places) > len(kept) else ""
        embedding = self._encoder(torch.tensor([ids], device=self._device))[0]
        return Encoded(weigh(embedding, weights + [1.0] * (length - len(kept))), cut.strip(" ,"))

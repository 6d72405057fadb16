"""Encoding prompts of any length, with weights, and caching them."""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise

import torch
from transformers import CLIPTextModel, CLIPTokenizer

from generation.conditions.adapters.adapter_keys import Part
from generation.conditions.adapters.row_adapters import Adapters, RowAdapters, adapter_set
from generation.conditions.embeddings import Embedding, Embeddings
from generation.prompts.weights import MAX_WEIGHT, Piece, parse

MAX_CHUNKS = 3
COMMA = ",</w>"
COMMA_REACH = 20  # how many tokens before its end a chunk may end early at a comma
CACHE_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Token:
    """A token's id in the vocabulary, its weight, and its part of the prompt as written.

    In the place of an embedding's vector ``place`` of ``embedding``, any id will do.
    """

    id: int
    weight: float
    text: str
    embedding: Embedding | None = None
    place: int = 0


@dataclass(frozen=True, slots=True)
class EncodedPrompt:
    """A prompt's embedding [1, chunks × tokens, width], read-only.

    ``cut`` is what did not fit, as written but without the syntax; usually empty. ``pooled``
    [1, width] is the whole first chunk's, if the encoder was read for one.
    """

    embedding: torch.Tensor
    chunks: int
    cut: str
    pooled: torch.Tensor | None = None

    @property
    def nbytes(self) -> int:
        """How much memory it takes."""
        return self.embedding.nbytes + (0 if self.pooled is None else self.pooled.nbytes)


# Reads ids [1, tokens] and their mask, if any, with a text encoder: the embedding [1, tokens,
# width] and, if there is one, the pooled one [1, width].
Read = Callable[
    [CLIPTextModel, torch.Tensor, torch.Tensor | None], tuple[torch.Tensor, torch.Tensor | None]
]


def last_layer(
    encoder: CLIPTextModel, ids: torch.Tensor, mask: torch.Tensor | None
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Read as Stable Diffusion 1 and 2 do; nothing is pooled."""
    return encoder(ids, attention_mask=mask)[0], None


def layer_before_last(
    encoder: CLIPTextModel, ids: torch.Tensor, mask: torch.Tensor | None
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Read as Stable Diffusion XL does; pooled if the encoder has a projection."""
    output = encoder(ids, attention_mask=mask, output_hidden_states=True)
    return output.hidden_states[-2], output.get("text_embeds")


class PromptEncoder:
    """Encodes prompts on ``device``, caching the latest in ``cache_bytes``.

    A prompt without weights that fits one chunk is encoded as diffusers does it, bit for bit.
    Chunks and weights are those of AUTOMATIC1111's web UI, except that a ``BREAK`` with nothing
    before or after it makes no chunk. ``embeddings`` are those that prompts can name, and
    ``part`` says which of the checkpoint's text encoders this is.
    """

    def __init__(
        self,
        tokenizer: CLIPTokenizer,
        text_encoder: CLIPTextModel,
        device: torch.device,
        embeddings: Embeddings,
        cache_bytes: int = CACHE_BYTES,
        read: Read = last_layer,
        part: Part = Part.TEXT_ENCODER,
    ) -> None:
        self._read = read
        self._part = part
        self._tokenizer = tokenizer
        self._text_encoder = text_encoder
        self._device = device
        self._embeddings = embeddings
        self._adapters = RowAdapters(text_encoder)
        self._chunk_size: int = tokenizer.model_max_length - 2  # without the start and end tokens
        self._comma: int = tokenizer.convert_tokens_to_ids(COMMA)
        self._cache: OrderedDict[object, EncodedPrompt] = OrderedDict()
        self._cache_bytes = cache_bytes
        self._bytes_used = 0

    @torch.inference_mode()
    def encode(self, text: str, adapters: Adapters = ()) -> EncodedPrompt:
        """Return the prompt encoded with adapters, from the cache if possible.

        Raises InvalidRequest if a weight is out of range, AdapterUnavailable for an embedding that
        cannot be used.
        """
        changes = adapter_set(adapters, self._part)
        key = (text, changes.key, self._embeddings.names)
        if key in self._cache:
            self._cache.move_to_end(key)
            return self._cache[key]
        chunks = self._chunks(parse(text))
        kept, rest = chunks[:MAX_CHUNKS], chunks[MAX_CHUNKS:]
        with self._adapters.applied([changes]):
            read = [self._encode_chunk(chunk) for chunk in kept]
        self._adapters.forget()
        encoded = EncodedPrompt(
            torch.cat([embedding for embedding, _ in read], dim=1),
            len(kept),
            "".join(token.text for chunk in rest for token in chunk).strip(" ,"),
            read[0][1],
        )
        self._keep(key, encoded)
        return encoded

    @torch.inference_mode()
    def pad(self, encoded: EncodedPrompt, chunks: int, adapters: Adapters = ()) -> EncodedPrompt:
        """Return it with empty chunks up to ``chunks``, to share a forward with a longer one."""
        missing = chunks - encoded.chunks
        if missing <= 0:
            return encoded
        empty = self.encode("", adapters).embedding
        embedding = torch.cat([encoded.embedding, *[empty] * missing], dim=1)
        return replace(encoded, embedding=embedding, chunks=chunks)

    def _chunks(self, sections: Sequence[Sequence[Piece]]) -> list[list[Token]]:
        """Return the sections' tokens in chunks, at least one, without start and end tokens."""
        chunks = []
        for section in sections:
            tokens = [token for piece in section for token in self._tokenize(piece)]
            chunks += split(tokens, self._chunk_size, self._comma)
        return chunks or [[]]

    def _tokenize(self, piece: Piece) -> list[Token]:
        tokens: list[Token] = []
        for text, name in self._embeddings.names.split(piece.text):
            if name is None:
                tokens += self._tokenize_words(text, piece.weight)
                continue
            embedding = self._embeddings[name]
            tokens += [
                Token(self._comma, piece.weight, "" if place else text, embedding, place)
                for place in range(embedding.length)
            ]
        return tokens

    def _tokenize_words(self, text: str, weight: float) -> list[Token]:
        found = self._tokenizer(
            text, add_special_tokens=False, return_offsets_mapping=True, verbose=False
        )
        # A token's part extends to the next one's, so that no space is lost.
        begins = [0, *(begin for begin, _ in found.offset_mapping[1:]), len(text)]
        return [
            Token(id_, weight, text[begin:end])
            for id_, (begin, end) in zip(found.input_ids, pairwise(begins), strict=False)
        ]

    def _encode_chunk(self, chunk: Sequence[Token]) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return a chunk's embedding [1, tokens, width], encoded separately, and the pooled one."""
        tokenizer = self._tokenizer
        used = len(chunk) + 2
        unused = self._chunk_size - len(chunk)
        ids = [tokenizer.bos_token_id, *(token.id for token in chunk), tokenizer.eos_token_id]
        input_ids = torch.tensor([ids + [tokenizer.pad_token_id] * unused], device=self._device)
        # Stable Diffusion 2's encoder says whether to mask padding; 1's does not.
        masked = getattr(self._text_encoder.config, "use_attention_mask", False)
        mask = torch.tensor([[1] * used + [0] * unused], device=self._device) if masked else None
        with self._replaced(chunk):
            embedding, pooled = self._read(self._text_encoder, input_ids, mask)
        weights = [1.0, *(token.weight for token in chunk), 1.0] + [1.0] * unused
        return weigh(embedding, weights), pooled

    @contextmanager
    def _replaced(self, chunk: Sequence[Token]) -> Iterator[None]:
        """Within this, embeddings' vectors take the place of a chunk's tokens'."""
        vectors = {
            place: token.embedding.vectors[self._part][token.place]
            for place, token in enumerate(chunk, start=1)  # behind the start token
            if token.embedding is not None
        }
        if not vectors:
            yield
            return

        def put(_layer: object, _inputs: object, output: torch.Tensor) -> torch.Tensor:
            output[0, list(vectors)] = torch.stack(list(vectors.values()))
            return output

        handle = self._text_encoder.get_input_embeddings().register_forward_hook(put)
        try:
            yield
        finally:
            handle.remove()

    def _keep(self, key: object, encoded: EncodedPrompt) -> None:
        """Cache it, evicting the least recently used if there is no room."""
        if encoded.nbytes > self._cache_bytes:
            return
        self._cache[key] = encoded
        self._bytes_used += encoded.nbytes
        while self._bytes_used > self._cache_bytes:
            _, oldest = self._cache.popitem(last=False)
            self._bytes_used -= oldest.nbytes


def split(tokens: Sequence[Token], size: int, comma: int) -> list[list[Token]]:
    """Return the tokens in chunks of at most ``size``, split after a late comma if there is one.

    An embedding that fits a chunk is not split.
    """
    chunks = []
    begin = 0
    while begin < len(tokens):
        end = _chunk_end(tokens, begin, begin + size, comma)
        chunks.append(list(tokens[begin:end]))
        begin = end
    return chunks


def _chunk_end(tokens: Sequence[Token], begin: int, end: int, comma: int) -> int:
    """Return where a chunk that is full at ``end`` should end."""
    if end >= len(tokens):
        return end
    if start := tokens[end].place:  # within an embedding
        return end - start if end - start > begin else end
    if not _is_comma(tokens[end], comma):
        for place in range(end, end - COMMA_REACH, -1):
            if _is_comma(tokens[place - 1], comma):
                return place
    return end


def _is_comma(token: Token, comma: int) -> bool:
    return token.id == comma and token.embedding is None


def weigh(embedding: torch.Tensor, weights: Sequence[float]) -> torch.Tensor:
    """Return a chunk's embedding [1, tokens, width], each token's vector times its weight.

    The result is rescaled to the original mean, but by no more than the weights themselves could
    have changed it: if positive and negative values cancel out, their mean means nothing. Weights
    of 1 change no bit.
    """
    if all(weight == 1 for weight in weights):
        return embedding
    plain = embedding.float()  # fp16 would round the means
    weighted = plain * torch.tensor(weights, device=plain.device)[None, :, None]
    before, after = plain.mean().item(), weighted.mean().item()
    least, most = 1 / max(weights), 1 / max(min(weights), 1 / MAX_WEIGHT)
    weighted *= min(max(before / after, least), most) if after else 1.0
    return weighted.to(embedding.dtype)

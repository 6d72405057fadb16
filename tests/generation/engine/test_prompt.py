"""Weights, chunks and the cache of prompts, against a tiny checkpoint's own text encoder."""

import contextlib
import copy
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from generation.catalog import Checkpoint
from generation.conditions.embeddings import Embeddings
from generation.engine.prompt import COMMA_REACH, MAX_CHUNKS, PromptEncoder, Token, split, weigh
from generation.errors import InvalidRequest
from generation.loading.model_loader import Parts, find_files, load_parts
from generation.prompts.weights import MAX_WEIGHT, parse

Calls = list[tuple[list[int], list[int] | None]]

CPU = torch.device("cpu")
NONE = Embeddings({}, CPU, "sd1")
CHUNK = 77
WORDS = CHUNK - 2
UP, DOWN = 1.1, 1 / 1.1
SYNTAX = st.sampled_from(
    [*"()[]\\:,. a", ":1.3)", ":0)", ": 2 )", "BREAK", " BREAK ", "\\(", "red"]
)


@pytest.fixture(scope="module")
def parts(tiny_folder: Path) -> Parts:
    loaded = load_parts(find_files(Checkpoint(name="Tiny", source=tiny_folder)), torch.float32)
    loaded.components["text_encoder"].eval()
    return loaded


@pytest.fixture
def encoder(parts: Parts) -> PromptEncoder:
    return PromptEncoder(parts.components["tokenizer"], parts.components["text_encoder"], CPU, NONE)


@pytest.fixture
def seen(parts: Parts) -> Iterator[Calls]:
    """The ids and the mask of each forward of the text encoder."""
    calls: Calls = []

    def note(module: object, args: tuple[torch.Tensor], options: dict[str, torch.Tensor | None]):
        [ids], mask = args[0].tolist(), options["attention_mask"]
        calls.append((ids, None if mask is None else mask[0].tolist()))

    hook = parts.components["text_encoder"].register_forward_pre_hook(note, with_kwargs=True)
    yield calls
    hook.remove()


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("a red apple", [("a red apple", 1)]),
        ("a (red) apple", [("a ", 1), ("red", UP), (" apple", 1)]),
        ("a [red] apple", [("a ", 1), ("red", DOWN), (" apple", 1)]),
        ("((red)) [[apple]]", [("red ", UP * UP), ("apple", DOWN * DOWN)]),
        ("(a (red) apple)", [("a ", UP), ("red", UP * UP), (" apple", UP)]),
        ("(red:1.3)", [("red", 1.3)]),
        ("(red : 1.3 )", [("red ", 1.3)]),
        ("(red:.5)(red:2.)(red:+1)", [("red", 0.5), ("red", 2), ("red", 1)]),
        ("((red:2) apple:1.5)", [("red", 3), (" apple", 1.5)]),
        ("[(red:2)]", [("red", 2 * DOWN)]),
        ("(a:0)(b:5)", [("a", 0), ("b", 5)]),
        ("([a])(b:1.0) c", [("ab c", 1)]),
        (R"\(red\) \[apple\] \\", [(R"(red) [apple] \ ".strip(), 1)]),
        (R"(a \(b\):1.3)", [("a (b)", 1.3)]),
        (R"C:\art ¯\_ツ", [(R"C:\art ¯\_ツ", 1)]),
        ("(red apple", [("red apple", UP)]),
        ("a [red (apple", [("a ", 1), ("red ", DOWN), ("apple", 1)]),
        ("a) red] :1.3) apple :)", [("a) red] :1.3) apple :)", 1)]),
        ("(a [red) apple]", [("a ", UP), ("red", UP * DOWN), (" apple", DOWN)]),
        ("[red:1.3]", [("red:1.3", DOWN)]),
        ("(red:)(a:b)", [("red:a:b", UP)]),
        ("(a:nan)(b:inf)(c:1e3)(d:1.2.3)", [("a:nanb:infc:1e3d:1.2.3", UP)]),
        ("()[](:9)", []),
        ("((((((((((((((((((((", []),
        ("", []),
    ],
)
def test_weights_are_read_as_a1111_reads_them(text: str, pieces: list[tuple[str, float]]):
    [section] = parse(text)
    assert [piece.text for piece in section] == [text for text, _ in pieces]
    assert [piece.weight for piece in section] == pytest.approx([weight for _, weight in pieces])


@pytest.mark.parametrize(
    ("text", "sections"),
    [
        ("a BREAK b", ["a ", " b"]),
        ("BREAK, a", ["", ", a"]),
        ("(a BREAK b:1.3)", ["a ", " b"]),
        ("a BREAKING break BREAK_ b", ["a BREAKING break BREAK_ b"]),
    ],
)
def test_break_is_a_word_of_its_own(text: str, sections: list[str]):
    assert ["".join(piece.text for piece in section) for section in parse(text)] == sections


@pytest.mark.parametrize(
    "text",
    [
        "(a:5.1)",
        "(a:-0.1)",
        "((a:3):2)",
        "(" * 17 + "a",
        f"((a:0):{'9' * 400})",
        f"(a:{'9' * 400})",
    ],
)
def test_a_weight_out_of_bounds_is_refused_by_the_name_of_the_field(text: str):
    with pytest.raises(InvalidRequest) as refused:
        parse(text, "negative_prompt")
    assert str(refused.value).startswith(
        "negative_prompt must be written with weights from 0 to 5; “"
    )


@given(st.text() | st.lists(SYNTAX, max_size=40).map("".join))
def test_any_text_is_read_or_refused(text: str):
    with contextlib.suppress(InvalidRequest):
        pieces = [piece for section in parse(text) for piece in section]
        assert all(0 <= piece.weight <= MAX_WEIGHT for piece in pieces)
        joined = "".join(piece.text for piece in pieces)
        rest = iter(text)
        assert all(character in rest for character in joined), "nothing is added or moved"
        syntax = re.compile(r"[()\[\]\\:+\-.0-9\sBREAK]")
        assert syntax.sub("", joined) == syntax.sub("", text), "only syntax is left out"


@given(st.lists(st.sampled_from("ab (\\[:)]"), max_size=40).map("".join))
def test_what_is_escaped_is_text(text: str):
    escaped = re.sub(r"([\\()\[\]])", r"\\\1", text)
    assert [[(p.text, p.weight) for p in section] for section in parse(escaped)] == [
        [(text, 1)] if text else []
    ]


@pytest.mark.parametrize(
    ("unit", "pieces"),
    [("(", 0), ("[a", 500), ("([a])", 1), (":1", 1), (": ", 1), ("(a:1)", 1), ("[:1", 333)],
)
def test_a_thousand_characters_of_syntax_are_read(unit: str, pieces: int):
    [section] = parse(unit * (1000 // len(unit)))
    assert len(section) == pieces


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(
    "text",
    ["", "a red apple", "A Red\n apple, é ☂ <|endoftext|>", "a " * WORDS, "a, " * 37, R"C:\art"],
)
def test_a_plain_prompt_is_encoded_as_diffusers_does(
    parts: Parts,
    encoder: PromptEncoder,
    seen: Calls,
    text: str,
    masked: bool,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(
        parts.components["text_encoder"].config, "use_attention_mask", masked, raising=False
    )
    tokens = parts.components["tokenizer"](
        text, padding="max_length", max_length=CHUNK, truncation=True, return_tensors="pt"
    )
    mask = tokens.attention_mask if masked else None
    with torch.inference_mode():
        reference = parts.components["text_encoder"](tokens.input_ids, attention_mask=mask)[0]
    encoded = encoder.encode(text)
    assert torch.equal(encoded.embedding, reference)
    assert (encoded.chunks, encoded.cut) == (1, "")
    assert seen[0] == seen[1]


def test_the_padding_of_stable_diffusion_2_is_not_the_end(parts: Parts, seen: Calls):
    tokenizer = copy.deepcopy(parts.components["tokenizer"])
    tokenizer.pad_token = "!"
    encoder = PromptEncoder(tokenizer, parts.components["text_encoder"], CPU, NONE)
    encoder.encode("a cat")
    [(ids, _)] = seen
    assert ids == tokenizer("a cat", padding="max_length", max_length=CHUNK).input_ids
    assert ids[-1] != tokenizer.eos_token_id


def test_a_weight_of_one_is_no_weight(encoder: PromptEncoder):
    plain = encoder.encode("a red apple").embedding
    assert torch.equal(encoder.encode("(a red:1.0) apple").embedding, plain)
    assert torch.equal(encoder.encode("(a red:1.3) apple").embedding, plain) is False


def test_weights_scale_their_tokens_and_the_mean_stays(parts: Parts):
    bias = parts.components["text_encoder"].get_parameter("final_layer_norm.bias")
    before = bias.detach().clone()
    try:
        bias.data.fill_(-0.3)  # a trained encoder's mean is not 0
        encoder = PromptEncoder(
            parts.components["tokenizer"], parts.components["text_encoder"], CPU, NONE
        )
        plain = encoder.encode("a a a").embedding
        weighted = encoder.encode("a (a:1.5) [a]").embedding
    finally:
        bias.data.copy_(before)
    scale = (weighted[0, -1] / plain[0, -1]).mean().item()
    expected = plain.clone()
    expected[0, 2] *= 1.5
    expected[0, 3] /= 1.1
    torch.testing.assert_close(weighted, expected * scale)
    torch.testing.assert_close(weighted.mean(), plain.mean())
    assert scale != 1


@pytest.mark.parametrize("kind", [torch.float32, torch.float16])
@pytest.mark.parametrize("weights", [[1, 0, 1], [1, 5, 1], [1, 0.5, 2], [1, 5, 0]])
@pytest.mark.parametrize("means", [[0, 0, 0], [1, -1, 1e-6], [1, -0.3, -0.69], [-1, 1, 1]])
def test_a_mean_that_cancels_out_moves_nothing_further_than_weights_do(
    means: list[float], weights: list[float], kind: torch.dtype
):
    spread = torch.tensor([-1.0, 1.0])
    embedding = (torch.tensor(means)[:, None] + spread)[None].to(kind)
    weighted = weigh(embedding, weights)
    assert weighted.dtype == kind
    scale = (weighted[0, 0] / embedding[0, 0]).nanmean().item()
    assert 1 / max(weights) * 0.99 <= scale <= min(MAX_WEIGHT, 1 / max(min(weights), 0.01)) * 1.01


def test_fp16_is_weighted_as_precisely_as_fp32():
    embedding = torch.randn((1, 9, 64), generator=torch.Generator().manual_seed(0)).half() - 0.1
    weights = [1.0, 1.3, 0.7, *[1.0] * 6]
    assert torch.equal(weigh(embedding, weights), weigh(embedding.float(), weights).half())


@pytest.mark.parametrize(
    ("words", "chunks", "cut"),
    [(75, 1, ""), (76, 2, ""), (80, 2, ""), (160, 3, ""), (225, 3, ""), (300, 3, "a " * 75)],
)
def test_long_prompts_take_more_chunks_up_to_a_limit(
    encoder: PromptEncoder,
    seen: Calls,
    words: int,
    chunks: int,
    cut: str,
):
    encoded = encoder.encode("a " * words)
    assert encoded.chunks == chunks == len(seen)
    assert encoded.embedding.shape == (1, chunks * CHUNK, 32)
    assert encoded.cut == cut.strip()


def test_each_chunk_is_encoded_as_if_it_were_alone(encoder: PromptEncoder):
    joined = encoder.encode("a " * 75 + "(red:1.3) cat BREAK boats").embedding
    alone = [encoder.encode(text).embedding for text in ("a " * 75, "(red:1.3) cat", "boats")]
    assert torch.equal(joined, torch.cat(alone, dim=1))


@pytest.mark.parametrize(
    ("before", "after", "first"),
    [
        (74, 5, 75),  # the comma is the last of the chunk
        (60, 20, 61),
        (55, 30, 56),  # it is the first of those within reach
        (54, 30, 75),
        (60, 14, 75),  # nothing needs to be cut
    ],
)
def test_a_chunk_ends_at_a_comma_in_reach(before: int, after: int, first: int):
    tokens = [Token(1, 1, "")] * before + [Token(2, 1, "")] + [Token(1, 1, "")] * after
    chunks = split(tokens, WORDS, comma=2)
    assert len(chunks[0]) == min(first, len(tokens))
    assert [token for chunk in chunks for token in chunk] == tokens


def test_a_comma_just_beyond_a_chunk_leaves_it_full():
    tokens = [Token(2 if place in (60, 75) else 1, 1, "") for place in range(90)]
    assert [len(chunk) for chunk in split(tokens, WORDS, comma=2)] == [75, 15]


@given(st.lists(st.sampled_from([1, 2]), max_size=400))
def test_chunks_lose_no_token_and_are_never_too_long(ids: list[int]):
    tokens = [Token(id_, 1, "") for id_ in ids]
    chunks = split(tokens, WORDS, comma=2)
    assert [token for chunk in chunks for token in chunk] == tokens
    assert all(WORDS - COMMA_REACH < len(chunk) <= WORDS for chunk in chunks[:-1])


def test_a_comma_is_known_by_the_tokenizers_own_id(
    encoder: PromptEncoder, seen: Calls, parts: Parts
):
    encoder.encode("a " * 60 + ", " + "a " * 20)
    assert [ids.index(parts.components["tokenizer"].eos_token_id) for ids, _ in seen] == [
        1 + 61,
        1 + 20,
    ]


def test_what_is_cut_is_told_as_it_was_written(encoder: PromptEncoder):
    encoded = encoder.encode("a " * 225 + ", Très (Red) [apple], and (it's:1.2) 日本 ☂!")
    assert encoded.cut == "Très Red apple, and it's 日本 ☂!"


@pytest.mark.parametrize(
    ("text", "chunks"),
    [("a BREAK b", 2), ("BREAK a BREAK BREAK", 1), ("BREAK", 1), ("a " * 75 + "BREAK a", 2)],
)
def test_a_break_starts_a_chunk_unless_it_would_be_empty(
    encoder: PromptEncoder, text: str, chunks: int
):
    assert encoder.encode(text).chunks == chunks


def test_breaks_count_towards_the_limit(encoder: PromptEncoder):
    encoded = encoder.encode(" BREAK ".join("abcde"))
    assert (encoded.chunks, encoded.cut.split()) == (MAX_CHUNKS, ["d", "e"])


def test_the_shorter_prompt_is_padded_with_empty_chunks(encoder: PromptEncoder):
    long, short = encoder.encode("a " * 160), encoder.encode("boats")
    assert encoder.pad(long, 3) is encoder.pad(long, 1) is long
    padded = encoder.pad(replace(short, cut="a cat"), 3)
    empty = encoder.encode("").embedding
    assert torch.equal(padded.embedding, torch.cat([short.embedding, empty, empty], dim=1))
    assert (padded.chunks, padded.cut) == (3, "a cat")


def test_prompts_are_remembered_within_bytes_and_forgotten_by_last_use(parts: Parts, seen: Calls):
    size = CHUNK * 32 * 4
    encoder = PromptEncoder(
        parts.components["tokenizer"],
        parts.components["text_encoder"],
        CPU,
        NONE,
        cache_bytes=3 * size,
    )

    def forwards(text: str) -> int:
        before = len(seen)
        encoder.encode(text)
        return len(seen) - before

    assert [forwards(text) for text in ("a", "b", "c", "a", "b", "c")] == [1, 1, 1, 0, 0, 0]
    assert [forwards(text) for text in ("a", "d", "a", "c", "b")] == [0, 1, 0, 0, 1]  # d took b
    assert [forwards(text) for text in ("e BREAK f", "b", "e BREAK f", "c")] == [2, 0, 0, 1]
    assert forwards("a BREAK b BREAK c") == 3  # it takes all the room
    assert [forwards(text) for text in ("a BREAK b BREAK c", "b")] == [0, 1]


def test_what_exceeds_the_cache_is_encoded_and_takes_nothing_from_it(parts: Parts, seen: Calls):
    encoder = PromptEncoder(
        parts.components["tokenizer"],
        parts.components["text_encoder"],
        CPU,
        NONE,
        cache_bytes=CHUNK * 32 * 4,
    )
    encoder.encode("a")
    for _ in range(2):
        assert encoder.encode("b BREAK c").chunks == 2
    encoder.encode("a")
    assert len(seen) == 5


def test_a_refused_prompt_is_not_remembered(encoder: PromptEncoder):
    for _ in range(2):
        with pytest.raises(InvalidRequest, match="prompt must be written with weights"):
            encoder.encode("(a:9)")

"""The tokenizers that come with us; see ``assets/NOTICE.md`` for whose vocabularies they are."""

from typing import Any

from transformers import CLIPTokenizer, Qwen2Tokenizer, T5Tokenizer

from generation.loading.layouts.composition import ASSETS

FOLDER = ASSETS / "tokenizers"
CLIP_TOKENS = 77  # with the first and the last
QWEN_TOKENS = 131_072
T5_TOKENS = 512
# Those that text can hold, in order of their numbers; a chat is between the second and the third.
QWEN_SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
QWEN_ENDS = {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"}
# How a prompt is put to Qwen3: each message by its role, and the beginning of an answer.
QWEN_CHAT = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if enable_thinking is defined and not enable_thinking %}<think>\n\n</think>\n\n{% endif %}"
    "{% endif %}"
)


def load_tokenizers(family: str) -> dict[str, Any]:
    """Return a family's tokenizers by diffusers' names for them."""
    return {name: make() for name, make in _FAMILIES[family].items()}


def clip_tokenizer(pad: str = "<|endoftext|>") -> CLIPTokenizer:
    """Return CLIP's tokenizer; OpenAI's pads with its last token, OpenCLIP's with number 0."""
    merges = _merges("clip")
    letters = _letters()
    tokens = [*letters, *(f"{one}</w>" for one in letters), *("".join(one) for one in merges)]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(
        vocab=_numbered(tokens), merges=merges, pad_token=pad, model_max_length=CLIP_TOKENS
    )


def open_clip_tokenizer() -> CLIPTokenizer:
    """Return the tokenizer of OpenCLIP's text encoders."""
    return clip_tokenizer(pad="!")


def t5_tokenizer() -> T5Tokenizer:
    """Return T5's tokenizer."""
    return T5Tokenizer.from_pretrained(FOLDER / "t5", local_files_only=True)


def qwen_tokenizer() -> Qwen2Tokenizer:
    """Return Qwen3's tokenizer, with its template of a chat."""
    merges = _merges("qwen")
    tokens = [*_letters(), *("".join(one) for one in merges)]
    made = Qwen2Tokenizer(
        vocab=_numbered([*tokens, *QWEN_SPECIAL]),
        merges=merges,
        additional_special_tokens=["<|im_start|>"],
        **QWEN_ENDS,
        model_max_length=QWEN_TOKENS,
    )
    made.chat_template = QWEN_CHAT
    return made


def _merges(name: str) -> list[tuple[str, str]]:
    lines = (FOLDER / name / "merges.txt").read_text("utf-8").splitlines()
    return [(first, second) for first, second in (line.split(" ") for line in lines)]


def _letters() -> list[str]:
    """Return a letter for each byte, as GPT-2 writes them: those that can be printed stay."""
    printed = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    return [*map(chr, printed), *(chr(0x100 + one) for one in range(0x100 - len(printed)))]


def _numbered(tokens: list[str]) -> dict[str, int]:
    return {token: number for number, token in enumerate(tokens)}


_FAMILIES: dict[str, dict[str, Any]] = {
    "sd1": {"tokenizer": clip_tokenizer},
    "sd2": {"tokenizer": open_clip_tokenizer},
    "sdxl": {"tokenizer": clip_tokenizer, "tokenizer_2": open_clip_tokenizer},
    "sd3": {
        "tokenizer": clip_tokenizer,
        "tokenizer_2": open_clip_tokenizer,
        "tokenizer_3": t5_tokenizer,
    },
    "flux": {"tokenizer": clip_tokenizer, "tokenizer_2": t5_tokenizer},
    "z_image": {"tokenizer": qwen_tokenizer},
}

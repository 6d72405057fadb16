"""The small vocabulary: CLIP's byte-pair encoding trained on the captions."""

import json

from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import CLIPTokenizer

START, END = "<|startoftext|>", "<|endoftext|>"
WORD_END = "</w>"
MAX_LENGTH = 77  # CLIP's, so that prompts are cut where a full-size checkpoint would cut them


def train_tokenizer(captions: list[str], vocabulary: int) -> CLIPTokenizer:
    """Train a CLIP tokenizer with at most ``vocabulary`` merges beside the bytes.

    Every byte is in the vocabulary, so unknown words become letters and never errors.
    """
    clip = CLIPTokenizer().backend_tokenizer
    bpe = Tokenizer(models.BPE(end_of_word_suffix=WORD_END))
    bpe.normalizer, bpe.pre_tokenizer = clip.normalizer, clip.pre_tokenizer
    bpe.train_from_iterator(
        captions,
        trainers.BpeTrainer(
            vocab_size=vocabulary, end_of_word_suffix=WORD_END, show_progress=False
        ),
    )
    learned = json.loads(bpe.to_str())["model"]
    # CLIP's order: bytes, bytes that end a word, merges, then the two special tokens.
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = [*letters, *(letter + WORD_END for letter in letters), *learned["vocab"], START, END]
    return CLIPTokenizer(
        vocab={token: index for index, token in enumerate(dict.fromkeys(tokens))},
        merges=[tuple(merge) for merge in learned["merges"]],
        model_max_length=MAX_LENGTH,
    )

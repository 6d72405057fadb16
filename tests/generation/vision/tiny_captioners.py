"""Models that describe pictures, of some thousand random weights, saved as transformers does."""

import json
from pathlib import Path

import torch
import transformers

WORDS = [
    "a", "the", "red", "blue", "cat", "dog", "fox", "tree", "house", "on", "in", "by", "and",
    "grass", "sky", "small", "large", "of", "with", "two",
]  # fmt: skip
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
SIDE = 32


def blip(folder: Path) -> Path:
    """Save a BLIP, and what reads pictures and writes words for it."""
    torch.manual_seed(0)
    tokenizer = _tokenizer()
    text = {
        **_small(len(tokenizer)),
        "encoder_hidden_size": 32,
        "max_position_embeddings": 128,
        "bos_token_id": tokenizer.cls_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        "eos_token_id": tokenizer.sep_token_id,
        "sep_token_id": tokenizer.sep_token_id,
    }
    vision = {**_small(), "image_size": SIDE, "patch_size": 16}
    config = transformers.BlipConfig(text_config=text, vision_config=vision, projection_dim=16)
    return _saved(
        folder, transformers.BlipForConditionalGeneration(config), "BlipImageProcessor", tokenizer
    )


def git(folder: Path) -> Path:
    """Save a GIT."""
    torch.manual_seed(0)
    tokenizer = _tokenizer()
    config = transformers.GitConfig(
        **_small(len(tokenizer)),
        vision_config={**_small(), "image_size": SIDE, "patch_size": 16},
        max_position_embeddings=128,
        bos_token_id=tokenizer.cls_token_id,
        eos_token_id=tokenizer.sep_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return _saved(folder, transformers.GitForCausalLM(config), "CLIPImageProcessor", tokenizer)


def vit_gpt2(folder: Path) -> Path:
    """Save a ViT whose pictures a GPT-2 puts into words."""
    torch.manual_seed(0)
    tokenizer = _tokenizer()
    config = transformers.VisionEncoderDecoderConfig.from_encoder_decoder_configs(
        transformers.ViTConfig(**_small(), image_size=SIDE, patch_size=16),
        transformers.GPT2Config(
            vocab_size=len(tokenizer), n_positions=128, n_embd=32, n_layer=2, n_head=4,
            bos_token_id=tokenizer.cls_token_id, eos_token_id=tokenizer.sep_token_id,
        ),
    )  # fmt: skip
    config.decoder_start_token_id = tokenizer.cls_token_id
    config.pad_token_id = tokenizer.pad_token_id
    model = transformers.VisionEncoderDecoderModel(config)
    model.generation_config.decoder_start_token_id = tokenizer.cls_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.generation_config.eos_token_id = tokenizer.sep_token_id
    return _saved(folder, model, "ViTFeatureExtractor", tokenizer)


def _small(words: int | None = None) -> dict[str, int]:
    size = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
    }
    return size if words is None else {**size, "vocab_size": words}


def _tokenizer() -> transformers.BertTokenizer:
    vocabulary = {word: place for place, word in enumerate([*SPECIAL, *WORDS])}
    return transformers.BertTokenizer(vocab=vocabulary)


def _saved(
    folder: Path,
    model: transformers.PreTrainedModel,
    reader: str,
    tokenizer: transformers.PreTrainedTokenizerBase,
) -> Path:
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    said = {
        "image_processor_type": reader,
        "size": {"height": SIDE, "width": SIDE},
        "do_center_crop": False,
        "do_resize": True,
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(said), "utf-8")
    return folder

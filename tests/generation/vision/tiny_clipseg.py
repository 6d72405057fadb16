"""Models that find what words mean, of some thousand weights, saved as transformers does.

One has random weights. Those of the other are made by hand: it knows three colours.
"""

import json
from functools import cache
from pathlib import Path

import torch
import transformers
from PIL import Image, ImageDraw

from generation.embedded.recipe.training.tokenizer import train_tokenizer

SIDE, PATCH = 32, 4
COLOURS = {"red": (230, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 230)}
GROUND = (120, 120, 120)
WIDTH, REDUCED = 32, 16


def random_clipseg(folder: Path) -> Path:
    """Save a CLIPSeg of random weights, with what reads pictures and words for it."""
    return _saved(folder, _model())


def colour_clipseg(folder: Path) -> Path:
    """Save a CLIPSeg that finds what has one of COLOURS, and nothing else."""
    model = _model()
    with torch.no_grad():
        _teach(model)
    return _saved(folder, model)


def boxes(width: int, height: int, **places: tuple[int, int, int, int]) -> Image.Image:
    """Return a grey picture with boxes of some of COLOURS, by (left, top, right, bottom)."""
    image = Image.new("RGB", (width, height), GROUND)
    for colour, place in places.items():
        ImageDraw.Draw(image).rectangle(place, fill=COLOURS[colour])
    return image


def _model() -> transformers.CLIPSegForImageSegmentation:
    torch.manual_seed(0)
    tokenizer = _tokenizer()
    small = {
        "hidden_size": WIDTH,
        "intermediate_size": 64,
        "num_attention_heads": 4,
        "num_hidden_layers": 2,
    }
    text = {
        **small,
        "vocab_size": len(tokenizer),
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    config = transformers.CLIPSegConfig(
        text_config=text,
        vision_config={**small, "image_size": SIDE, "patch_size": PATCH},
        projection_dim=WIDTH,
        extract_layers=[0, 1],
        reduce_dim=REDUCED,
        decoder_num_attention_heads=2,
        decoder_intermediate_size=32,
    )
    return transformers.CLIPSegForImageSegmentation(config).eval()


def _teach(model: transformers.CLIPSegForImageSegmentation) -> None:
    """Give a model weights by which words of colours are found, each in a dimension of its own.

    Layers add nothing to what comes in, but for the text's first: its attention, alike to all
    tokens, brings what they mean to the last.
    """
    text, vision, decoder = model.clip.text_model, model.clip.vision_model, model.decoder
    for layer in (*text.encoder.layers, *vision.encoder.layers, *decoder.layers):
        for part in (layer.self_attn.out_proj, layer.mlp.fc2):
            part.weight.zero_()
            part.bias.zero_()
    identity = torch.eye(WIDTH)
    first = text.encoder.layers[0].self_attn
    for part in (first.q_proj, first.k_proj, first.v_proj):
        part.weight.zero_()
        part.bias.zero_()
    first.v_proj.weight.copy_(identity)
    first.out_proj.weight.copy_(identity)
    text.embeddings.position_embedding.weight.zero_()
    text.embeddings.token_embedding.weight.zero_()
    for place, colour in enumerate(COLOURS):
        (token,) = _tokenizer()(colour, add_special_tokens=False)["input_ids"]
        text.embeddings.token_embedding.weight[token, place] = 1
    model.clip.text_projection.weight.copy_(identity)
    # A patch is its mean colour, both ways and beside a constant, which the norm keeps in scale.
    places = vision.embeddings.position_embedding.weight
    places.zero_()
    places[:, 6], places[:, 7] = 2, -2
    patches = vision.embeddings.patch_embedding.weight
    patches.zero_()
    for place in range(3):
        patches[place, place] = 1 / PATCH**2
        patches[3 + place, place] = -1 / PATCH**2
    # As much of one colour as is more than of the others.
    decoder.reduces[0].weight.zero_()
    decoder.reduces[0].bias.zero_()
    decoder.reduces[0].weight[:3, :3] = 1.5 * torch.eye(3) - 0.5
    decoder.reduces[1].weight.zero_()
    decoder.reduces[1].bias.zero_()
    norm = WIDTH**0.5  # of what a word of one dimension becomes
    for part, share in ((decoder.film_mul, 1.0), (decoder.film_add, -1.0)):
        part.weight.zero_()
        part.bias.zero_()
        part.weight[:3, :3] = share * torch.eye(3) / norm
        part.bias[:3] = share / 100
    decoder.transposed_convolution.weight.zero_()
    decoder.transposed_convolution.weight[:3] = 1
    decoder.transposed_convolution.bias.zero_()


@cache
def _tokenizer() -> transformers.CLIPTokenizer:
    return train_tokenizer([*COLOURS, "the hat", "a box"], 600)


def _saved(folder: Path, model: transformers.PreTrainedModel) -> Path:
    model.save_pretrained(folder)
    _tokenizer().save_pretrained(folder)
    said = {
        "image_processor_type": "ViTFeatureExtractor",
        "size": {"height": SIDE, "width": SIDE},
        "image_mean": [0.485, 0.456, 0.406],
        "image_std": [0.229, 0.224, 0.225],
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(said), "utf-8")
    return folder

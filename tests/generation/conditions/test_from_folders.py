"""A LoRA and an embedding in folders, from the look at them to the picture and its file."""

import hashlib
import io
import struct
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import nn

from generation.catalog import Catalog, Checkpoint
from generation.conditions.adapters.adapter_keys import Part
from generation.engine.engine import Engine
from generation.library.offers import Looker
from generation.metadata.infotext import parse
from generation.prompts.adapters import AdapterUse
from generation.request import Event, Finished, Picture
from tests.generation.conditions.lora_files import kohya, lora, write_adapter
from tests.generation.conditions.test_adapter_pictures import linear, models_of, pipeline_of
from tests.generation.conftest import CPU, PLAIN, MakeRequest, pixels, run


def test_what_lies_in_folders_is_drawn_with(
    tiny_folder: Path, make_request: MakeRequest, tmp_path: Path
):
    plain = Catalog({"sd1": Checkpoint(name="sd1", source=tiny_folder, size=64)}, default="sd1")
    models = tmp_path / "models"
    file = models / "Lora" / "Ink Wash.safetensors"
    word = models / "embeddings" / "Apple Red.safetensors"
    for place in (file, word):
        place.parent.mkdir(parents=True)
    pipeline = pipeline_of(Engine(plain, CPU, options=PLAIN), "sd1")
    denoiser: dict[str, nn.Module] = models_of(pipeline, Part.DENOISER)
    assert write_adapter(file, denoiser, linear, lora, kohya, metadata={"ss_tag_frequency": "{}"})
    table = pipeline.adapted[Part.TEXT_ENCODER].get_input_embeddings().weight
    vectors = torch.randn(2, table.shape[1], generator=torch.Generator().manual_seed(0))
    save_file({"emb_params": vectors}, word)

    found = Looker([models], tmp_path, None, None)().catalog
    catalog = Catalog(
        plain.checkpoints, "sd1", adapters=found.adapters, embeddings=found.embeddings
    )
    engine = Engine(catalog, CPU, options=PLAIN)

    def draw(prompt: str, *uses: AdapterUse) -> tuple[np.ndarray, list[Event]]:
        request = make_request(
            prompt=prompt, checkpoint="sd1", width=64, height=64, num_inference_steps=2,
            adapters=uses,
        )  # fmt: skip
        events = run(engine, request)
        assert isinstance(events[-1], Finished), events[-1]
        return pixels(events), events

    without, _ = draw("a boat")
    inked, events = draw("a boat", AdapterUse("Ink Wash", 0.8, 0.5))
    assert not np.array_equal(without, inked)
    assert not np.array_equal(without, draw("a boat, apple red")[0])
    assert np.array_equal(draw("a apple red")[0], draw("a embedding:APPLE RED")[0])

    png = next(one.png for one in events if isinstance(one, Picture))
    said = parse(Image.open(io.BytesIO(png)).text["parameters"])
    assert said is not None
    assert said.prompt == "a boat <lora:Ink Wash:te=0.5:unet=0.8>"
    content = file.read_bytes()
    (header,) = struct.unpack("<Q", content[:8])
    digest = hashlib.sha256(content[8 + header :]).hexdigest()[:12]
    assert said.other["Lora hashes"] == f"Ink Wash: {digest}"

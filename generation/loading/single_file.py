"""Validates single-file ``.safetensors`` checkpoints. Imports no torch.

The layout is CompVis' and Stability's own, in which the community shares checkpoints: one file with
the UNet, the VAE and the text encoder, but no description of their architecture. That comes from
the configurations of a diffusers folder, ``config`` in the catalog.
"""

from pathlib import Path

from generation.errors import CheckpointUnavailable
from generation.loading.checkpoint_folder import PICKLES
from generation.loading.safetensors_file import read_header
from generation.phrases import Phrase

SUFFIX = ".safetensors"
# Prefixes of the parts' keys, the same for Stable Diffusion 1 and 2.
PARTS = {
    "UNet": "model.diffusion_model.",
    "VAE": "first_stage_model.",
    "text encoder": "cond_stage_model.",
}


def check_file(name: str, file: Path) -> None:
    """Raise CheckpointUnavailable, saying what is missing, unless the file is a checkpoint."""
    if file.suffix.lower() in PICKLES:
        raise CheckpointUnavailable(name, Phrase("checkpoint-pickled-file", file=file.name))
    if not file.is_file():
        raise CheckpointUnavailable(name, Phrase("checkpoint-file-missing", file=str(file)))
    keys = read_header(name, file)
    missing = [
        part
        for part, beginning in PARTS.items()
        if not any(key.startswith(beginning) for key in keys)
    ]
    if missing:
        raise CheckpointUnavailable(
            name, Phrase("checkpoint-not-whole", file=str(file), names=tuple(missing))
        )

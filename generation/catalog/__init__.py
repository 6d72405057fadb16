"""The available checkpoints and styles, from the owner's TOML file. Imports no torch.

The file has an optional ``default`` and one table per checkpoint or style::

    default = "Stable Diffusion v1.5"

    [checkpoints."Stable Diffusion v1.5"]
    source = "stable-diffusion-v1-5/stable-diffusion-v1-5"   # a hub id, or a diffusers folder
    size = 512

    [checkpoints."From a friend"]
    source = "friend.safetensors"                            # a single file
    config = "stable-diffusion-v1-5/stable-diffusion-v1-5"   # if it is built as no other; rarely
    parts = ["vae.safetensors"]                              # what it lacks or has worse
    prediction_type = "epsilon"                              # what it was trained to predict
    age_restricted = true                                    # for age-restricted channels only
    roles = [123456789012345678]                             # who may draw with it

    [checkpoints."A file in a folder of models"]             # by its name, without a source
    title = "What people see"

    [styles."Line art"]
    prompt = "line drawing of {prompt}, black ink"           # {prompt} is the person's prompt
    negative_prompt = "colour"
    checkpoints = ["Stable Diffusion v1.5"]                  # optional: those it suits
"""

from generation.catalog.catalog import (
    EMBEDDED,
    STYLES,
    Catalog,
    Checkpoint,
)
from generation.catalog.reading import (
    Offers,
    check_files,
    is_file_name,
    load_catalog,
    read_catalog,
    read_offers,
    settings_of,
)
from generation.catalog.tables import parse_toml

__all__ = [
    "EMBEDDED",
    "STYLES",
    "Catalog",
    "Checkpoint",
    "Offers",
    "check_files",
    "is_file_name",
    "load_catalog",
    "parse_toml",
    "read_catalog",
    "read_offers",
    "settings_of",
]

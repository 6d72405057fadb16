"""Pictures from text with Stable Diffusion; knows no Discord and no SQL, and imports no torch."""

import os

# Nothing is told to anybody. These libraries report their use to their makers unless they are told
# not to before they are imported, onnxruntime from the moment it loads. Child processes inherit it.
os.environ.update(
    ORT_DISABLE_TELEMETRY="1",  # onnxruntime, core/platform/posix/telemetry_1ds.cc
    HF_HUB_DISABLE_TELEMETRY="1",  # huggingface_hub, and transformers and diffusers through it
    DO_NOT_TRACK="1",  # https://consoledonottrack.com; huggingface_hub reads it, too
)

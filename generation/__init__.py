"""Image generation with Stable Diffusion. Imports no Discord, SQL or torch code."""

import os

# No telemetry. These libraries send usage data to their makers unless told not to before they are
# imported, onnxruntime as soon as it loads. Child processes inherit it.
os.environ.update(
    ORT_DISABLE_TELEMETRY="1",  # onnxruntime, core/platform/posix/telemetry_1ds.cc
    HF_HUB_DISABLE_TELEMETRY="1",  # huggingface_hub, and transformers and diffusers through it
    DO_NOT_TRACK="1",  # https://consoledonottrack.com; huggingface_hub reads it too
)

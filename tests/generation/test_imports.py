import subprocess
import sys

import pytest

HEAVY = "torch diffusers transformers accelerate numpy PIL huggingface_hub onnxruntime"


@pytest.mark.parametrize(
    "module",
    [
        "generation",
        "generation.request",
        "generation.catalog",
        "generation.worker.worker",
        "generation.worker.executor",
        "generation.upscaler",
    ],
)
def test_what_the_bot_imports_brings_nothing_heavy(module: str):
    code = f"import sys, {module}; print([m for m in '{HEAVY}'.split() if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=30
    )
    assert done.stdout.strip() == "[]"


def test_preparing_a_picture_takes_no_torch():
    code = "import sys, generation.source_image; print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=30
    )
    assert done.stdout.strip() == "False"


def test_the_bot_starts_without_numpy():
    code = "import sys, bot.app, bot.client; print('numpy' in sys.modules, 'PIL' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=30
    )
    assert done.stdout.strip() == "False True"

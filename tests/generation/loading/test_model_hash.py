import pytest

from generation.embedded import CHECKPOINT
from generation.errors import CheckpointUnavailable
from generation.loading.model_hash import model_hash


def test_a_checkpoint_s_hash(tmp_path):
    single = tmp_path / "friend.safetensors"
    single.write_bytes(b"abc")
    assert model_hash("a friend's", single) == "ba7816bf8f"  # of FIPS 180's example
    single.write_bytes(b"abcd")
    assert model_hash("a friend's", single) == "88d4266fd4"
    folder = model_hash("Emoji", CHECKPOINT)
    assert folder == model_hash("x", CHECKPOINT / "unet" / "diffusion_pytorch_model.safetensors")
    with pytest.raises(CheckpointUnavailable, match="gone"):
        model_hash("a friend's", tmp_path / "gone.safetensors")

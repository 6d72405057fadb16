"""The systemd unit in docs/operating.md: it keeps the bot in, and lets CUDA through."""

import re
from configparser import RawConfigParser
from pathlib import Path

import pytest

OPERATING = Path(__file__).parents[1] / "docs" / "operating.md"
# Each takes /dev/nvidia* away; the last also forbids what torch.compile writes and runs.
BREAKS_CUDA = (
    "PrivateDevices",
    "DeviceAllow",
    "DevicePolicy",
    "ProtectClock",
    "MemoryDenyWriteExecute",
)


@pytest.fixture
def service() -> dict[str, str]:
    found = re.search(
        r"^```ini\n(\[Unit\]\n.*?)^```", OPERATING.read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    assert found is not None
    unit = RawConfigParser()
    unit.optionxform = str
    unit.read_string(found[1])
    return dict(unit["Service"])


def test_it_is_hardened(service: dict[str, str]):
    wanted = {
        "UMask": "0077",
        "NoNewPrivileges": "yes",
        "ProtectSystem": "strict",
        "ProtectHome": "yes",
        "PrivateTmp": "yes",
        "CapabilityBoundingSet": "",
    }
    assert {name: service.get(name) for name in wanted} == wanted


def test_only_the_data_can_be_written(service: dict[str, str]):
    assert service["ReadWritePaths"] == f"{service['WorkingDirectory']}/data"
    assert service["Environment"] == f"HOME={service['ReadWritePaths']}"


@pytest.mark.parametrize("name", BREAKS_CUDA)
def test_the_graphics_card_stays_in_reach(service: dict[str, str], name: str):
    assert name not in service

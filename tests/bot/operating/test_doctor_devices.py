"""What `darkroom doctor` says of several devices; the rest of it is tested at the wire."""

import pytest

from bot import doctor
from bot.doctor import Finding
from bot.settings import GenerationSettings, Settings
from generation.library.footprint import Footprint
from generation.worker.hardware import Hardware

GIB = 2**30
LARGE = Hardware("cuda:0", "cuda:0 (Large)", 24.0, 20.0)
SMALL = Hardware("cuda:1", "cuda:1 (Small)", 8.0, 7.5)
TINY = Hardware("cuda:2", "cuda:2 (Tiny)", 2.0, 1.5)
CPU = Hardware("cpu", "cpu", 64.0, 32.0)
NEEDS = Footprint(10 * GIB, 5 * GIB, 2 * GIB)


def test_each_device_is_a_line_and_one_that_is_not_there_is_a_fault(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(doctor, "examine_hardware", lambda: [LARGE, SMALL, CPU])
    settings = Settings(_env_file=None, generation=GenerationSettings(devices="1,5,cpu*2"))
    hardware, findings = doctor._hardware(settings)
    assert [one.text for one in findings] == [
        "cuda:1 (Small), 8.0 GiB of memory, 7.5 free",
        "cuda:5: is in GENERATION__DEVICES, and not there",
        "cpu:0, cpu, 32.0 GiB of memory, 16.0 free",
        "cpu:1, cpu, 32.0 GiB of memory, 16.0 free",
    ]
    assert [one.fine for one in findings] == [True, False, True, True]
    assert len(hardware) == 3


def test_what_a_checkpoint_takes_is_said_for_each_kind_of_device():
    found = Finding("checkpoint", "Nice: found")
    alike = doctor._with_memory(found, [(LARGE, NEEDS), (LARGE, NEEDS)])
    assert alike == Finding("checkpoint", "Nice: found; takes 12.0 GiB")
    uneven = doctor._with_memory(found, [(LARGE, NEEDS), (SMALL, NEEDS), (TINY, NEEDS)])
    assert uneven.fine
    assert uneven.text.split("; ")[1:] == [
        "on cuda:0 takes 12.0 GiB",
        "on cuda:1 takes 12.0 GiB, here 7.0 with its text encoders and VAE in turn",
        "on cuda:2 takes 12.0 GiB, which this device has not: 2.0 GiB",
    ]
    assert not doctor._with_memory(found, [(TINY, NEEDS)]).fine
    assert doctor._with_memory(found, [(LARGE, None)]) == found

"""Files decoded in processes of their own: bounded in number, memory and time."""

import asyncio
import io
import sys
from collections.abc import AsyncIterator

import psutil
import pytest
from PIL import Image

from bot.core import decoding
from bot.core.decoding import Decoder
from bot.core.errors import FileUnavailable
from generation.decoding import WORK, request, serve
from generation.errors import InvalidRequest
from generation.metadata.infotext import Parameters
from generation.metadata.png import chunks
from generation.source_image import MEMORY
from tests.texts import says

MIB = 2**20


@pytest.fixture
async def decoder() -> AsyncIterator[Decoder]:
    made = Decoder()
    yield made
    await made.close()


def picture(width: int, height: int, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), (200, 10, 10)).save(file, kind, **options)
    return file.getvalue()


def processes() -> list[psutil.Process]:
    return [one for one in psutil.Process().children() if decoding.PROGRAM in one.cmdline()]


async def test_it_does_what_is_done_here(decoder: Decoder):
    png, _ = await decoder.prepare(picture(300, 400, "JPEG"), 168, 96)
    assert Image.open(io.BytesIO(png)).size == (168, 96)
    png, width, height = await decoder.whole(picture(64, 48))
    assert (width, height) == (64, 48) == Image.open(io.BytesIO(png)).size
    fitted = await decoder.fit(png, 32, 32)
    assert Image.open(io.BytesIO(fitted)).size == (32, 32)
    await decoder.check(png)
    assert await decoder.read(png) is None
    said = Parameters(prompt="a ünïcode fox", steps=7, other={"Lora": "x"})
    found = await decoder.read(picture(8, 8, pnginfo=chunks(said)))
    assert (found.prompt, found.steps, found.other) == ("a ünïcode fox", 7, {"Lora": "x"})
    assert len(processes()) == 1, "one after the other, by the same process"


@pytest.mark.parametrize("work", ["prepare", "whole", "check", "read"])
async def test_what_is_wrong_with_a_file_is_said(decoder: Decoder, work: str):
    numbers = (64, 64) if work == "prepare" else ()
    with pytest.raises(InvalidRequest) as refused:
        await getattr(decoder, work)(b"no picture", *numbers)
    assert str(refused.value) == "image must be a complete PNG, JPEG, WebP, AVIF or HEIC file"
    assert processes(), "nothing broke"


async def test_two_are_decoded_at_once_and_whoever_waits_too_long_is_told(
    decoder: Decoder, monkeypatch: pytest.MonkeyPatch
):
    running = most = 0
    go = asyncio.Event()

    async def exchange(*_: object) -> tuple[dict[str, object], bytes]:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await go.wait()
        running -= 1
        return {"numbers": [0]}, b"png"

    monkeypatch.setattr(decoding, "_exchange", exchange)
    monkeypatch.setattr(decoding, "WAIT_S", 0.2)
    asked = [asyncio.create_task(decoder.prepare(b"", 8, 8)) for _ in range(5)]
    done, _ = await asyncio.wait(asked, return_when=asyncio.FIRST_EXCEPTION)
    assert all(isinstance(one.exception(), FileUnavailable) for one in done)
    go.set()
    results = await asyncio.gather(*asked, return_exceptions=True)
    assert [one for one in results if one == (b"png", False)] == [(b"png", False)] * 2
    assert most == 2
    assert len(processes()) == 2


@pytest.mark.parametrize(
    "program",
    [
        "import time; time.sleep(60)",  # it hangs
        "import os; os._exit(1)",  # it dies
        "print('no answer'); input()",
        "print('{\"size\": 99}'); input()",
    ],
)
async def test_a_process_that_fails_costs_one_file(
    decoder: Decoder, monkeypatch: pytest.MonkeyPatch, tmp_path, program: str
):
    (tmp_path / "broken.py").write_text(program)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(decoding, "PROGRAM", "broken")
    monkeypatch.setattr(decoding, "DECODE_S", 2.0)
    with pytest.raises(InvalidRequest) as refused:
        await decoder.prepare(picture(8, 8), 8, 8)
    assert says(str(refused.value), "bound-decodable")
    monkeypatch.undo()
    assert await decoder.prepare(picture(8, 8), 8, 8)


async def test_a_cancelled_file_takes_its_process_along(decoder: Decoder):
    asked = asyncio.create_task(decoder.prepare(picture(5000, 5000), 64, 64))
    for _ in range(3000):
        if processes():
            break
        await asyncio.sleep(0.01)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert not processes()
    assert await decoder.prepare(picture(8, 8), 8, 8)


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")
async def test_memory_is_bounded_by_the_system(decoder: Decoder):
    await decoder.check(picture(8, 8))
    (process,) = processes()
    assert process.rlimit(psutil.RLIMIT_DATA) == (MEMORY, MEMORY)
    before = psutil.Process().memory_info().rss
    await decoder.prepare(picture(5000, 5000), 64, 64)
    assert psutil.Process().memory_info().rss - before < 64 * MIB, "here nothing is decoded"


def test_who_runs_out_of_memory_says_so(monkeypatch: pytest.MonkeyPatch):
    def hungry(_: bytes) -> None:
        raise MemoryError

    monkeypatch.setitem(WORK, "check", hungry)
    answers = io.BytesIO()
    serve(io.BytesIO(request("check", (), b"")), answers)
    assert b'"code": "bound-image-smaller"' in answers.getvalue()


async def test_it_ends_with_whoever_started_it():
    code = (
        "import asyncio\nfrom bot.core.decoding import Decoder\n"
        "async def main():\n    decoder = Decoder()\n"
        "    try:\n        await decoder.check(b'')\n    except Exception:\n        pass\n"
        "    print(next(iter(decoder._running)).pid, flush=True)\n    await asyncio.sleep(60)\n"
        "asyncio.run(main())"
    )
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE
    )
    child = psutil.Process(int(await parent.stdout.readline()))
    parent.kill()
    await parent.wait()
    for _ in range(600):
        if not child.is_running() or child.status() == psutil.STATUS_ZOMBIE:
            return
        await asyncio.sleep(0.1)
    pytest.fail("it goes on alone")

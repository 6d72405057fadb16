"""Files that are damaged, made up, or something else: a line each, in bounded time and memory."""

import json
import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.loading.detect import inspect_file
from generation.loading.safetensors_file import HEADER_LIMIT
from generation.phrases import Phrase

TENSOR = {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}


def pack(header: Any, data: bytes = bytes(24)) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def said(folder: Path, content: bytes, name: str = "x.safetensors") -> str | None:
    (folder / name).write_bytes(content)
    problem = inspect_file(folder / name).problem
    assert problem is None or (isinstance(problem, Phrase) and "\n" not in problem)
    return None if problem is None else problem.replace(f"{folder}/", "")


def changed(**changes: Any) -> bytes:
    return pack({"a": {**TENSOR, **changes}})


LONG = "k" * 500
NO = "x.safetensors is not a safetensors file"
PICKLED = f"{NO} but pickled weights, which are refused"
WRONG = "x.safetensors is damaged: its header is wrong about a"
CASES: dict[str, tuple[bytes, str | None]] = {
    "whole": (pack({"a": TENSOR}), None),
    "empty of tensors": (pack({}, b""), None),
    "with metadata": (pack({"__metadata__": {"a": "b"}, "a": TENSOR}), None),
    "odd metadata": (pack({"__metadata__": [1], "a": TENSOR}), None),
    "empty": (b"", "x.safetensors is empty"),
    "short": (b"1234567", NO),
    "cut by 7": (pack({"a": TENSOR})[:-7], "x.safetensors is truncated: 7 bytes are missing"),
    "7 too long": (pack({"a": TENSOR}) + bytes(7), "x.safetensors is 7 bytes too long"),
    "cut in the header": (pack({"a": TENSOR})[:30], "x.safetensors is cut short in its header"),
    "other JSON": (pack(b"[1, 2]"), NO),
    "no JSON": (pack(b"{nothing}"), NO),
    "a byte order mark": (pack(b"\xef\xbb\xbf{}"), NO),
    "not UTF-8": (pack(b'{"a\xff": 1}'), NO),
    "UTF-16": (pack('{"a": 1}'.encode("utf-16")), NO),
    "nested": (pack(b'{"a":' * 100_000), NO),
    "a number for a tensor": (pack({"a": 1}), WRONG),
    "infinite": (pack(b'{"a":{"dtype":"F32","shape":[1e999],"data_offsets":[0,24]}}'), WRONG),
    "not a number": (pack(b'{"a":{"dtype":"F32","shape":[NaN],"data_offsets":[0,24]}}'), WRONG),
    "endless digits": (pack(b'{"a":' + b"9" * 5000 + b"}"), NO),
    "large dimensions": (changed(shape=[2**62, 2**62]), WRONG),
    "negative": (changed(shape=[-2, -3]), WRONG),
    "true": (changed(shape=[True, 6]), WRONG),
    "fractions": (changed(shape=[2.0, 3.0]), WRONG),
    "text": (changed(shape="23"), WRONG),
    "an unknown type": (changed(dtype="F128"), WRONG),
    "no text for a type": (changed(dtype=["F32"]), WRONG),
    "backwards": (changed(data_offsets=[24, 0]), WRONG),
    "three offsets": (changed(data_offsets=[0, 12, 24]), WRONG),
    "a shape of other size": (changed(shape=[2, 4]), WRONG),
    "a gap before": (pack({"a": {**TENSOR, "data_offsets": [8, 32]}}, bytes(32)), WRONG),
    "overlapping": (
        pack({"b": TENSOR, "a": {**TENSOR, "data_offsets": [12, 36]}}, bytes(36)),
        WRONG,
    ),
    "a key twice": (pack(b'{"a": {}, "a": {}}'), WRONG),
    "a field twice": (
        pack(b'{"a":{"dtype":"F32","shape":[6],"shape":[2,3],"data_offsets":[0,24]}}'),
        WRONG.replace("about a", "about shape"),
    ),
    "a long name": (pack({LONG: 1}), WRONG.replace("about a", f"about {LONG[:80]}…")),
    "a long header": (
        struct.pack("<Q", HEADER_LIMIT + 1) + b"{" + bytes(HEADER_LIMIT),
        "x.safetensors has a header of more than 16 MiB, which is not read",
    ),
    "a pickle's archive": (
        b"PK\x03\x04" + bytes(99),
        f"{NO} but pickled weights, which are refused",
    ),
    "a pickle": (b"\x80\x02}q\x00." + bytes(99), f"{NO} but pickled weights, which are refused"),
    "a pointer": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:1",
        f"{NO} but a pointer of Git LFS; run git lfs pull",
    ),
    "a web page": (b"<!DOCTYPE html><html>", f"{NO} but a web page; download it again"),
    "GGUF": (b"GGUF" + bytes(99), f"{NO} but a GGUF file"),
}


@pytest.mark.parametrize("name", CASES)
def test_each_is_told_in_a_line(tmp_path: Path, name: str):
    content, expected = CASES[name]
    assert said(tmp_path, content) == expected


@pytest.mark.parametrize("suffix", ["ckpt", "PT", "pth", "bin", "Pkl"])
def test_pickles_are_not_opened(tmp_path: Path, suffix: str):
    expected = f"pickled weights are refused; safetensors only, not x.{suffix}"
    assert inspect_file(tmp_path / f"x.{suffix}").problem == expected


def test_what_is_not_there_and_what_cannot_be_read(tmp_path: Path):
    assert "No such file" in str(inspect_file(tmp_path / "gone.safetensors").problem)
    assert "Is a directory" in str(inspect_file(tmp_path).problem)


@pytest.mark.parametrize(
    "name", ["a\nb.safetensors", "a\u202eb.safetensors", "\udcffb.safetensors"]
)
def test_a_name_breaks_no_line(tmp_path: Path, name: str):
    expected = "".join(one if one.isascii() and one.isprintable() else "�" for one in name)
    assert said(tmp_path, b"", name) == f"{expected} is empty"
    assert inspect_file(tmp_path / name).title == expected.removesuffix(".safetensors")


def test_metadata_can_be_written_anywhere(tmp_path: Path):
    header = {"__metadata__": {"modelspec.title": "a\ud800\x00b"}, "a": TENSOR}
    (tmp_path / "x.safetensors").write_bytes(pack(header))
    assert inspect_file(tmp_path / "x.safetensors").title == "a��b"


BOMBS = {
    "brackets": b'{"a":' + b"[" * (HEADER_LIMIT - 6),
    "lists": b'{"a":[' + b"[]," * ((HEADER_LIMIT - 10) // 3) + b"[]]}",
    "objects": b'{"a":[' + b"{}," * ((HEADER_LIMIT - 10) // 3) + b"{}]}",
    "texts": b'{"a":[' + b'"b",' * ((HEADER_LIMIT - 12) // 4) + b'"b"]}',
    "different texts": b'{"a":[' + b",".join(b'"%06x"' % n for n in range(1_700_000)) + b"]}",
    "numbers": b'{"a":[' + b"999," * ((HEADER_LIMIT - 12) // 4) + b"1]}",
    "keys": b"{" + b",".join(b'"%06x":1' % n for n in range(1_500_000)) + b"}",
    "wide text": b'{"__metadata__":{"a":"' + "😀".encode() * 4_000_000 + b'"}}',
}


@pytest.mark.parametrize("name", BOMBS)
def test_header_bombs_take_bounded_memory(tmp_path: Path, name: str):
    """In a process that is ended if it takes more than 512 MiB."""
    (tmp_path / "x.safetensors").write_bytes(pack(BOMBS[name], b""))
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (512 * 2**20,) * 2)\n"
        "from pathlib import Path\n"
        "from generation.loading.detect import inspect_file\n"
        "print(inspect_file(Path(sys.argv[1])).problem)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "x.safetensors")],
        capture_output=True,
        text=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        timeout=120,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout == "None\n" or "x.safetensors is" in ran.stdout


@given(st.binary(max_size=300))
def test_any_bytes(tmp_path_factory: pytest.TempPathFactory, content: bytes):
    folder = tmp_path_factory.getbasetemp()
    assert said(folder, content) is not None or content[8:10] == b"{}"


NUMBERS = st.integers() | st.floats() | st.booleans() | st.none()
VALUES = st.recursive(
    NUMBERS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=10,
)
ENTRIES = st.fixed_dictionaries(
    {},
    optional={
        "dtype": st.sampled_from(["F32", "F16", "U8", "F4", "x"]) | VALUES,
        "shape": st.lists(st.integers(-1, 4) | NUMBERS, max_size=4) | VALUES,
        "data_offsets": st.lists(st.integers(-1, 64) | NUMBERS, max_size=3) | VALUES,
    },
)
NAMES = st.sampled_from(
    [
        "__metadata__",
        "model.diffusion_model.input_blocks.0.0.weight",
        "model.diffusion_model.time_embed.0.weight",
        "model.diffusion_model.label_emb.0.0.weight",
        "model.diffusion_model.input_blocks.1.1.proj_in.weight",
        "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight",
        "model.diffusion_model.output_blocks.11.1.transformer_blocks.0.norm1.bias",
        "img_in.weight",
        "lora_unet_attn2_to_k.lora_down.weight",
        "emb_params",
        "decoder.conv_in.weight",
        "text_model.encoder.layers.0.self_attn.q_proj.weight",
    ]
)


@given(
    st.dictionaries(NAMES | st.text(max_size=8), ENTRIES | VALUES, max_size=6), st.integers(0, 64)
)
def test_any_header(tmp_path_factory: pytest.TempPathFactory, header: Any, length: int):
    said(tmp_path_factory.getbasetemp(), pack(header, bytes(length)))


SHAPES = st.lists(st.integers(0, 3), max_size=5)


@given(st.dictionaries(NAMES.filter(lambda name: name != "__metadata__"), SHAPES, min_size=1))
def test_any_shapes_under_known_names(tmp_path_factory: pytest.TempPathFactory, shapes: Any):
    header, end = {}, 0
    for name, shape in shapes.items():
        size = 4
        for side in shape:
            size *= side
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [end, end + size]}
        end += size
    assert said(tmp_path_factory.getbasetemp(), pack(header, bytes(end))) is None


@given(st.data())
def test_a_damaged_byte(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject):
    content = bytearray(pack({"a": TENSOR, "b": {**TENSOR, "data_offsets": [24, 48]}}, bytes(48)))
    place = data.draw(st.integers(0, len(content) - 49))
    content[place] = data.draw(st.integers(0, 255))
    said(tmp_path_factory.getbasetemp(), bytes(content))

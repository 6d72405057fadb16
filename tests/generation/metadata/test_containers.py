"""Where in a file its settings stand: formats, chunks, tags, encodings, and pixels."""

import contextlib
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image

from generation.errors import InvalidRequest
from generation.metadata import exif, stealth
from generation.metadata.containers import gif_comments, texts_of, xmp
from generation.metadata.png_chunks import text_chunks
from generation.metadata.reader import read
from tests.generation.metadata import files
from tests.generation.metadata.files import (
    INFOTEXT,
    exif_block,
    png,
    saved,
    text_chunk,
    with_comment,
)

WIDE, COMMENT = INFOTEXT.encode("utf-16-le"), ExifTags.Base.UserComment

PLACES = {
    "tEXt": png(text_chunk("parameters", INFOTEXT)),
    "zTXt": png(text_chunk("parameters", INFOTEXT, "zTXt")),
    "iTXt": png(text_chunk("parameters", INFOTEXT, "iTXt")),
    "packed iTXt": png(text_chunk("parameters", INFOTEXT, "packed iTXt")),
    "a key in capitals": png(text_chunk("Parameters", INFOTEXT)),
    "behind the pixels": png(text_chunk("parameters", INFOTEXT), after=True),
    "packed, behind the pixels": png(text_chunk("parameters", INFOTEXT, "zTXt"), after=True),
    "eXIf": png(files.chunk(b"eXIf", exif_block(COMMENT, b"UNICODE\0" + WIDE))),
    "eXIf behind the pixels": png(
        files.chunk(b"eXIf", exif_block(COMMENT, b"UNICODE\0" + WIDE)), after=True
    ),
    "ImageMagick's profile": png(
        text_chunk(
            "Raw profile type exif",
            "\nexif\n 100\n" + exif_block(COMMENT, b"ASCII\0\0\0" + INFOTEXT.encode()).hex(),
        )
    ),
    "XMP in a PNG": png(
        text_chunk("XML:com.adobe.xmp", files.xmp("exif:UserComment", INFOTEXT), "iTXt")
    ),
    "XMP in a JPEG": saved("JPEG", xmp=files.xmp("dc:description", INFOTEXT).encode()),
    "XMP in a WebP": saved("WEBP", xmp=files.xmp("dc:description", INFOTEXT).encode()),
    "XMP's attribute": saved(
        "JPEG",
        xmp=files.xmp("exif:UserComment", INFOTEXT.replace("\n", " "), attribute=True).encode(),
    ),
    "a JPEG's comment": saved("JPEG", comment=INFOTEXT.encode()),
    "the first directory": with_comment(INFOTEXT.encode(), first=True),
    "ImageDescription": saved(
        "JPEG", exif=exif_block(ExifTags.Base.ImageDescription, INFOTEXT, first=True)
    ),
    "Windows' comment": saved("JPEG", exif=exif_block(ExifTags.Base.XPComment, WIDE, first=True)),
    "WebP": with_comment(b"UNICODE\0" + WIDE, "WEBP"),
    "AVIF": with_comment(b"UNICODE\0" + WIDE, "AVIF"),
    "a GIF's comment": files.gif(INFOTEXT.encode()),
    "a GIF's comment at its end": files.gif(INFOTEXT.encode(), after=True),
}
COMMENTS = {
    "big-endian": b"UNICODE\0" + INFOTEXT.encode("utf-16-be"),
    "little-endian": b"UNICODE\0" + WIDE,
    "UTF-8 under UNICODE": b"UNICODE\0" + INFOTEXT.encode(),
    "UTF-8 under ASCII": b"ASCII\0\0\0" + INFOTEXT.encode(),
    "UTF-8 under JIS": b"JIS\0\0\0\0\0" + INFOTEXT.encode(),
    "JIS": b"JIS\0\0\0\0\0" + INFOTEXT.encode("iso2022_jp"),
    "undefined": bytes(8) + INFOTEXT.encode(),
    "no prefix": INFOTEXT.encode(),
    "UTF-16 under ASCII": b"ASCII\0\0\0" + WIDE,
    "UTF-16 without a prefix": WIDE,
    "a BOM, big": b"UNICODE\0\xfe\xff" + INFOTEXT.encode("utf-16-be"),
    "a BOM, little": b"UNICODE\0\xff\xfe" + WIDE,
    "UTF-8's BOM": b"UNICODE\0\xef\xbb\xbf" + INFOTEXT.encode(),
    "NULs behind": b"ASCII\0\0\0" + INFOTEXT.encode() + bytes(40),
    "wide NULs behind": b"UNICODE\0" + WIDE + bytes(40),
}


def assert_is_read(data: bytes) -> None:
    found = read(data)
    assert found is not None
    assert (found.prompt, found.negative_prompt) == ("a fox, film noir", "blurry")
    assert (found.steps, found.sampler, found.seed, found.width) == (23, "Euler a", 77, 512)
    assert (found.guidance_scale, found.model) == (6.5, "ink")


@pytest.mark.parametrize("data", PLACES.values(), ids=PLACES.keys())
def test_settings_are_found_wherever_they_stand(data: bytes):
    assert_is_read(data)


@pytest.mark.parametrize("raw", COMMENTS.values(), ids=COMMENTS.keys())
@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_user_comments_are_read_in_any_encoding(raw: bytes, kind: str):
    assert_is_read(with_comment(raw, kind))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-be", "utf-16-le"])
def test_other_scripts_survive_a_user_comment(encoding: str):
    words = f"狐狸，水墨画\n{INFOTEXT}"
    found = read(with_comment(b"UNICODE\0" + words.encode(encoding)))
    assert found.prompt == "狐狸，水墨画\na fox, film noir"


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("by_columns", [True, False])
@pytest.mark.parametrize("rgb", [True, False])
@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_what_pixels_hide_is_read(packed: bool, by_columns: bool, rgb: bool, kind: str):
    image = files.stealth(INFOTEXT, packed=packed, by_columns=by_columns, rgb=rgb)
    file = io.BytesIO()
    image.save(file, kind, lossless=True, exact=True)
    assert_is_read(file.getvalue())


def test_what_is_hidden_is_bounded():
    for image in (
        files.stealth("x", claimed=2**32 - 1),
        files.stealth("x", packed=False, claimed=8 * (stealth.MAX_PACKED + 1)),
        files.stealth(INFOTEXT, size=(1, 1500)),
    ):
        with contextlib.suppress(InvalidRequest):
            found = read(png(image=image))
            assert found is None or len(found.prompt) < 100
    with pytest.raises(InvalidRequest, match="characters of text"):
        read(png(image=files.stealth(" " * 2**23, size=(300, 300))))


@settings(max_examples=60)
@given(
    data=st.binary(max_size=400), mode=st.sampled_from(("RGB", "RGBA", "LA")), mark=st.booleans()
)
def test_any_pixels_hide_something_or_nothing(data: bytes, mode: str, mark: bool):
    image = files.stealth("a fox", packed=mark)
    other = Image.frombytes("RGBA", (10, 10), data.ljust(400, b"\1")).convert(mode)
    image.paste(other.convert("RGBA"), (len(data) % 90, len(data) % 120))
    for one in (image, other):
        assert isinstance(stealth.hidden(one), str | None)


@given(
    st.binary(max_size=200), st.sampled_from((b"UNICODE\0", b"ASCII\0\0\0", b"JIS\0\0\0\0\0", b""))
)
def test_any_comment_is_some_text(raw: bytes, prefix: bytes):
    assert isinstance(exif.decoded(prefix + raw), str)


@given(st.binary(max_size=300))
def test_any_exif_has_texts_or_none(block: bytes):
    for whole in (block, b"Exif\0\0II*\0\x08\0\0\0" + block, b"MM\0*\0\0\0\x08" + block):
        assert all(isinstance(text, str) for _, text in exif.texts(whole))


@given(
    st.text(max_size=200),
    st.sampled_from(("exif:UserComment", "dc:description", "xmp:CreatorTool")),
)
def test_any_packet_and_any_gif_has_texts_or_none(text: str, name: str):
    for packet in (text, f"<{name}>{text}", f"<{name}>{text}</{name}>", f'{name}="{text}'):
        assert all(isinstance(one, str) for _, one in xmp(packet))
    assert all(
        isinstance(one, bytes) for one in gif_comments(b"GIF89a" + text.encode("utf-8", "replace"))
    )


@given(
    st.lists(
        st.tuples(
            st.sampled_from((b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"IDAT")), st.binary(max_size=80)
        )
    )
)
def test_any_chunks_have_texts_or_none(chunks: list[tuple[bytes, bytes]]):
    data = png(*(files.chunk(kind, body) for kind, body in chunks))
    assert all(isinstance(key, str) for key, _ in text_chunks(data))
    with contextlib.suppress(InvalidRequest):
        read(data)


def test_an_exif_s_json_is_found_by_what_it_is():
    graph = {"1": {"class_type": "KSampler", "inputs": {"steps": 20, "cfg": 7.5, "seed": 3}}}
    named = saved(
        "WEBP", exif=exif_block(ExifTags.Base.Model, f"prompt:{json.dumps(graph)}", first=True)
    )
    with Image.open(io.BytesIO(named)) as image:
        assert texts_of(image, named).objects[0][1] == graph
    assert read(named).steps == 20

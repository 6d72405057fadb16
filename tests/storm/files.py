"""Files that people attach: pictures that are what they say, and everything else."""

import io
import json
from dataclasses import dataclass, replace
from random import Random

from PIL import Image, PngImagePlugin

from generation.catalog import EMBEDDED
from generation.metadata.infotext import Parameters
from generation.metadata.png import chunks, exif
from generation.source_image import MAX_BYTES
from tests.storm.words import Words

ENDINGS = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp"}


@dataclass(frozen=True, slots=True)
class File:
    """An attachment; where Discord would say something of its own, so may this."""

    name: str
    content: bytes
    size: int | None = None
    content_type: str | None = None
    url: str | None = None
    lost: bool = False  # Discord has it no more


class Files:
    """Files from a seeded generator."""

    def __init__(self, random: Random, words: Words) -> None:
        self._random, self._words = random, words

    def picture(self) -> File:
        """Return a picture that can be drawn from, and enlarged."""
        kind = self._random.choice(tuple(ENDINGS))
        side = self._random.choice
        size = (side((32, 64, 96)), side((32, 64, 80)))
        image = Image.new(self._random.choice(("RGB", "L")), size, self._random.randint(0, 255))
        if kind == "PNG" and self._random.random() < 0.3:
            image = image.convert(self._random.choice(("RGBA", "P", "1", "LA")))
        return self._file(image, kind, self._parameters() if self._random.random() < 0.4 else None)

    def described(self) -> File:
        """Return a picture that says how it was made, in a way that can be had here."""
        kind = self._random.choice(tuple(ENDINGS))
        return self._file(Image.new("RGB", (16, 16)), kind, self._parameters())

    def any(self) -> File:
        """Return a file of which nothing is known."""
        make = (self.picture, self._cut, self._mutated, self._other, self._lying, self._strange)
        return self._random.choice(make)()

    def _parameters(self) -> Parameters:
        return Parameters(
            prompt=self._random.choice(("a fox", "赤いりんご", "<@&1> **x**", "(a:1.2) b")),
            negative_prompt=self._random.choice(("", "text", "@everyone")),
            # Less than the size and two more would be words with a colon among them.
            steps=self._random.choice((5, 20, 400)),
            sampler=self._random.choice((None, "Euler a", "DPM++ 2M Karras", "Restart")),
            guidance_scale=self._random.choice((None, 7.5, 99.0)),
            seed=self._random.choice((42, 2**40)),
            width=512,
            height=self._random.choice((512, 768)),
            model=self._random.choice(("", EMBEDDED.name, "dreams_v9")),
        )

    def _file(self, image: Image.Image, kind: str, found: Parameters | None) -> File:
        written = io.BytesIO()
        if found is None:
            image.save(written, kind)
        elif kind == "PNG":
            image.save(written, kind, pnginfo=chunks(found))
        else:
            image.save(written, kind, exif=exif(found))
        return File(f"picture.{ENDINGS[kind]}", written.getvalue())

    def _cut(self) -> File:
        file = self.picture()
        return replace(file, content=file.content[: self._random.randrange(len(file.content))])

    def _mutated(self) -> File:
        file = self.picture()
        content = bytearray(file.content)
        for _ in range(self._random.choice((1, 3, 20))):
            content[self._random.randrange(len(content))] = self._random.randrange(256)
        return replace(file, content=bytes(content))

    def _other(self) -> File:
        written = io.BytesIO()
        kind = self._random.choice(("GIF", "BMP", "TIFF", "ICO"))
        Image.new("RGB", (32, 32)).save(written, kind)
        name, content = self._random.choice(
            (
                (f"other.{kind.casefold()}", written.getvalue()),
                ("renamed.png", written.getvalue()),
                ("empty.png", b""),
                ("words.txt", self._words.wild().encode()),
                ("words.jpg", self._words.wild().encode()),
                ("archive.zip", b"PK\x03\x04" + self._random.randbytes(200)),
                ("noise.webp", self._random.randbytes(500)),
                ("drawing.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
            )
        )
        return File(name, content)

    def _lying(self) -> File:
        file = self.picture()
        return self._random.choice(
            (
                replace(file, size=MAX_BYTES + 1),
                replace(file, size=2**62),
                replace(file, size=0),
                replace(file, content_type="text/plain"),
                replace(file, content_type="image/gif; charset=utf-8"),
                replace(file, url="https://example.com/picture.png"),
                replace(file, url="http://127.0.0.1:1/picture.png"),
                replace(file, lost=True),
                replace(file, name="a" * 180 + ".png"),
                replace(file, name="@everyone <@1> `x`.png"),
            )
        )

    def _strange(self) -> File:
        """Return a picture whose size, or whose words about itself, are out of bounds."""
        kind = self._random.choice(("wide", "tiny", "huge", "words", "graph", "deep"))
        if kind == "huge":  # it says so, and holds next to nothing
            return File("bomb.png", _bomb(60_000, 60_000))
        size = {"wide": (900, 8), "tiny": (1, 1)}.get(kind, (16, 16))
        info = PngImagePlugin.PngInfo()
        if kind == "words":
            steps = self._words.small()
            info.add_text(
                "parameters", f"{self._words.wild()}\nSteps: {steps}, Seed: -1, Size: 0x9"
            )
        elif kind == "graph":
            node = {"class_type": "KSampler", "inputs": {"seed": 1e400, "steps": [["1", 0]]}}
            info.add_text("prompt", json.dumps({"1": node, "2": None, "3": {"inputs": 5}}))
        elif kind == "deep":
            info.add_text("prompt", "[" * 20_000)
        written = io.BytesIO()
        Image.new("RGB", size).save(written, "PNG", pnginfo=info)
        return File(f"{kind}.png", written.getvalue())


def _bomb(width: int, height: int) -> bytes:
    """Return a PNG whose header promises more pixels than anybody has memory for."""
    written = io.BytesIO()
    PngImagePlugin.putchunk(
        written, b"IHDR", width.to_bytes(4) + height.to_bytes(4), b"\x08\2\0\0\0"
    )
    PngImagePlugin.putchunk(written, b"IDAT", b"\x78\x9c\x03\x00\x00\x00\x00\x01")
    PngImagePlugin.putchunk(written, b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + written.getvalue()

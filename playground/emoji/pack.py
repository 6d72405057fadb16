"""`python -m playground.emoji.pack FOLDER`: pack a folder of Twemoji's SVGs into what is shipped.

The folder is `dist/svg` of the npm package that NOTICE.md names.
"""

import json
import lzma
import sys
from pathlib import Path

from playground.emoji import PICTURES


def pack(folder: Path) -> None:
    """Write every SVG of the folder, by its name, into one compressed file."""
    drawn = {path.stem: path.read_text("utf-8") for path in sorted(folder.glob("*.svg"))}
    text = json.dumps(drawn, ensure_ascii=False, separators=(",", ":"))
    PICTURES.write_bytes(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))


if __name__ == "__main__":
    pack(Path(sys.argv[1]))

"""Catalogs of a test's own, in place of those that people read."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bot import texts


@contextmanager
def catalogs(folder: Path, **languages: str) -> Iterator[None]:
    """Say what stands in these languages' files, written to ``folder``; English is the bot's.

    But where English is given, too.
    """
    english = (texts.FOLDER / "en.ftl").read_text("utf-8")
    for language, text in {"en": english, **languages}.items():
        (folder / f"{language}.ftl").write_text(text, "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(texts, "FOLDER", folder)
        _forget()
        yield
    _forget()


def _forget() -> None:
    for cached in (texts.languages, texts._bundle, texts._resource, texts._keys):
        cached.cache_clear()

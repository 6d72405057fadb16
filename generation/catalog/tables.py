"""Values of the owner's tables in TOML, checked. Imports no torch."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from generation.errors import CatalogInvalid
from generation.request import Sampler

MOST_ROLES = 100
_WORDS = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list of names",
}


def parse_toml(data: bytes) -> dict[str, Any]:
    """Return a TOML file's table, with or without a byte order mark.

    Raises ValueError, whose text says on one line what is wrong.
    """
    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except RecursionError:
        raise ValueError("not valid TOML: nested too deeply") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"not valid TOML: {error}") from error


def checked(
    path: Path, place: str, entry: object, types: Mapping[str, tuple[type, ...]]
) -> dict[str, Any]:
    """Return a table's values after checking their types; raises CatalogInvalid."""
    if not isinstance(entry, dict):
        raise CatalogInvalid(path, f"{place} must be a table")
    for key, value in entry.items():
        if key not in types:
            raise CatalogInvalid(path, f"{place}.{key} is unknown; known are {', '.join(types)}")
        if type(value) not in types[key]:  # a bool would pass as an int
            wanted = _WORDS[types[key][0]]
            raise CatalogInvalid(path, f"{place}.{key} must be {wanted}, not {value!r}")
    return dict(entry)


def roles_of(path: Path, place: str, written: object) -> tuple[int, ...]:
    """Return the ids of roles, which may be written as text; an empty list would admit anybody."""
    listed = written if isinstance(written, list) else [written]
    texts = [str(one) for one in listed if not isinstance(one, bool)]
    ids = [int(text) for text in texts if text.isascii() and text.isdecimal() and len(text) <= 20]
    if not 1 <= len(listed) <= MOST_ROLES or len(ids) < len(listed) or min(ids) < 1:
        bound = f"1 to {MOST_ROLES} ids of Discord roles, such as 123456789012345678"
        raise CatalogInvalid(path, f"{place}.roles must be {bound}")
    return tuple(ids)


def sampler_of(path: Path, place: str, written: str) -> Sampler:
    """Return the sampler of this name."""
    if written not in tuple(Sampler):
        raise CatalogInvalid(path, f"{place}.sampler must be one of {', '.join(Sampler)}")
    return Sampler(written)

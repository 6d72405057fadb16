"""How folders are written in a setting."""

import os
from pathlib import Path

from generation.json_text import loads


def listed(written: str) -> list[str]:
    """Return the folders of a list, separated by commas or in JSON; raises ValueError."""
    if not written.lstrip().startswith("["):
        folders = [one.strip() for one in written.split(",") if one.strip()]
        if not folders:
            raise ValueError("must name a folder, which need not exist")
        return folders
    try:
        folders = loads(written)
    except ValueError as error:
        raise ValueError(
            f"must be folders, separated by commas, or a JSON list ({error})"
        ) from None
    if not folders or not all(isinstance(one, str) and one.strip() for one in folders):
        raise ValueError("must be a JSON list of folders, which need not exist")
    return list(folders)


def folders_in(written: str) -> list[Path]:
    """Return the folders; without a home directory for ``~``, as they are written."""
    return [Path(os.path.expanduser(one)) for one in listed(written)]  # noqa: PTH111

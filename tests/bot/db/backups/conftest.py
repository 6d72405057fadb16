from pathlib import Path

import pytest

from bot.db.backups.making import back_up
from bot.db.database import Database
from tests.bot.db.backups.house import fill


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The data folder; the database fixture's."""
    return tmp_path


@pytest.fixture
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("elsewhere")


@pytest.fixture
async def backup(database: Database, folder: Path, elsewhere: Path) -> Path:
    """A backup of three jobs; there are six now."""
    await fill(database, folder)
    back_up(folder, elsewhere / "backup")
    await fill(database, folder, first=4)
    return elsewhere / "backup"

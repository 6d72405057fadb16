"""Migrating with Alembic, which takes 20 MB: imported only where there is something to migrate."""

from pathlib import Path

from alembic import command
from alembic.config import Config

import migrations


def alembic_config(path: Path) -> Config:
    """Return Alembic's settings for the database at ``path``."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.attributes["database"] = path
    return config


def upgrade(path: Path) -> None:
    """Migrate the database at ``path`` to the newest revision."""
    command.upgrade(alembic_config(path), "head")

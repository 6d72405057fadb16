"""What holds for every test."""

import asyncio
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Where several processes test beside each other, torch's threads would only wait for one another:
# here, and in the processes that tests start. To be said before torch is imported.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("MKL_NUM_THREADS", "1")

# A busy machine is no failure: nothing here passes or fails by the clock. Where a change is judged,
# the same examples are tried every time; elsewhere new ones, so that what they find is found.
settings.register_profile(
    "unhurried",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=bool(os.environ.get("CI")),
)
settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an empty database of this version; every migration runs once for all tests."""
    from bot.db.database import migrate

    folder = tmp_path_factory.mktemp("migrated")
    asyncio.run(migrate(folder))
    return folder

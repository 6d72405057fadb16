"""What holds for every test."""

import os

from hypothesis import HealthCheck, settings

# A busy machine is no failure: nothing here passes or fails by the clock. Where a change is judged,
# the same examples are tried every time; elsewhere new ones, so that what they find is found.
settings.register_profile(
    "unhurried",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=bool(os.environ.get("CI")),
)
settings.load_profile("unhurried")

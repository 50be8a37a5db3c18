"""How many random draws Hypothesis makes: 25 by default, 200 with --hypothesis-profile=nightly."""

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.built"]
# Test modules import from this plugin before pytest loads it, too late to explain its asserts.
pytest.register_assert_rewrite("tests.browser", "tests.widgets")

SLOW_IS_FINE = [HealthCheck.too_slow]
settings.register_profile(
    "ci", max_examples=25, deadline=None, derandomize=True, suppress_health_check=SLOW_IS_FINE
)
settings.register_profile(
    "nightly", max_examples=200, deadline=None, suppress_health_check=SLOW_IS_FINE
)
settings.load_profile("ci")


def pytest_collection_modifyitems(items):
    """Mark what needs a browser or the built book, so that `-m "not browser"` runs anywhere."""
    for item in items:
        if {"browser", "book"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("browser")

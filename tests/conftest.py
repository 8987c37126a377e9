"""Fixtures shared by all rooms' tests."""

import os

import pytest
import structlog
from hypothesis import settings

# The default draws tracebacks with all their locals, which takes seconds for arrays.
structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(default=repr),
    ]
)
# What the long machines of tests/respond go by: ten times as many runs (`make test-nightly`).
settings.register_profile("nightly", settings.default)
pytest_plugins = ("tests.fixtures.postgres", "tests.fixtures.chromium", "tests.fixtures.figures")


@pytest.fixture(autouse=True)
def _no_settings_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of whoever runs the tests must not change them."""
    for name in list(os.environ):
        if name.startswith("VEDETTE_") and name not in {"VEDETTE_REQUIRE", "VEDETTE_DATA"}:
            monkeypatch.delenv(name)

"""Fixtures shared by all rooms' tests."""

import os
from collections.abc import Generator

import pytest
import structlog
from hypothesis import HealthCheck, settings

# The default draws tracebacks with all their locals, which takes seconds for arrays.
structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(default=repr),
    ]
)
# No test asserts wall time: on a busy machine an example takes as long as it takes. And what passed once passes again: who looks for
# what nobody has seen yet does so by night.
_PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("patient", _PATIENT, derandomize=True, database=None)
settings.load_profile("patient")
# What the long machines of tests/respond go by: ten times as many runs, by chance (`make test-nightly`).
settings.register_profile("nightly", _PATIENT, derandomize=False)
# What takes longest begins first, so that no worker is left alone with it at the end.
_LONG = (
    "respond/test_host_life.py",
    "e2e/test_schemathesis.py",
    "e2e/test_self_quarantine.py",
    "e2e/test_silence.py",
    "e2e/test_bad_input.py",
    "e2e/test_bench.py",
    "app/test_backtest.py",
)
pytest_plugins = (
    "tests.fixtures.compiled",
    "tests.fixtures.postgres",
    "tests.fixtures.migrated",
    "tests.fixtures.chromium",
    "tests.fixtures.figures",
)


@pytest.fixture(autouse=True)
def _no_settings_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of whoever runs the tests must not change them."""
    for name in list(os.environ):
        if name.startswith("VEDETTE_") and name not in {"VEDETTE_REQUIRE", "VEDETTE_DATA"}:
            monkeypatch.delenv(name)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the long files at the head; all else stays in order."""
    items.sort(key=lambda item: not item.path.as_posix().endswith(_LONG))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Of a test marked `no_cover`, neither what is made for it nor what it starts is traced: that takes twice as long.

    pytest-cov looks at the mark for the test's own body only.
    """
    plugin = item.config.pluginmanager.getplugin("_cov")
    coverage = plugin.cov_controller if plugin is not None else None
    if coverage is None or item.get_closest_marker("no_cover") is None:
        return (yield)
    name = "COVERAGE_PROCESS_CONFIG"
    held = os.environ.pop(name, None)
    coverage.pause()
    try:
        return (yield)
    finally:
        # After the body it goes on by itself.
        if not coverage.started:
            coverage.resume()
        if held is not None:
            os.environ[name] = held

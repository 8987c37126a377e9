"""Fixtures shared by all rooms' tests."""

import pytest

pytest_plugins: list[str] = [
    plugin
    for plugin in ("tests.fixtures.postgres",)
    if __import__("importlib.util").util.find_spec(plugin) is not None
]


@pytest.fixture(autouse=True)
def _no_telemetry_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of whoever runs the tests must not change them."""
    for name in list(__import__("os").environ):
        if name.startswith("VEDETTE_") and name != "VEDETTE_REQUIRE":
            monkeypatch.delenv(name)

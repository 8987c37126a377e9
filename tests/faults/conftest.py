"""In what order the rounds are run."""

import pytest

_LONG = "test_20_rounds_of_kill_9"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the two long ones at the heads of the two halves that two workers begin with."""
    long = [item for item in items if item.name.startswith(_LONG)]
    rest = [item for item in items if item not in long]
    middle = (len(rest) - len(long[1:])) // 2
    items[:] = [*long[:1], *rest[:middle], *long[1:], *rest[middle:]]

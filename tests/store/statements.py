"""What a store sends to its database, for tests of how much and how well."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from vedette.store import Store


@contextmanager
def recorded(store: Store) -> Iterator[list[tuple[str, Any]]]:
    """Statements with their parameters, as the driver gets them; BEGIN and the like are left out."""
    found: list[tuple[str, Any]] = []
    engine = store._database.engine

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if not statement.startswith("BEGIN"):
            found.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    yield found
    event.remove(engine, "before_cursor_execute", note)

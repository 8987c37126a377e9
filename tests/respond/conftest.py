"""The worlds that responder tests run in, and a mail server."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.respond.smtp_server import MailBox
from tests.respond.world import MemoryWorld, StoreWorld, World


@pytest.fixture(params=["memory", "sqlite"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    if request.param == "memory":
        yield MemoryWorld()
        return
    made = StoreWorld(tmp_path)
    yield made
    made.store.close()


@pytest.fixture
def mailbox(tmp_path: Path) -> Iterator[MailBox]:
    with MailBox(tmp_path) as made:
        yield made

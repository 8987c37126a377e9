"""Clients of a console over a filled store."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from tests.fixtures.console import console_of, kept_app_of, token_of
from tests.fixtures.history import History, history, history_template

from vedette.console.credential import csrf_token
from vedette.store import Role

__all__ = ["Browser", "history", "history_template"]

ORIGIN = "https://vedette.test"
COOKIE = "__Host-vedette"


@dataclass(frozen=True)
class Browser:
    """A signed-in client of the pages, as far as a test needs one."""

    client: TestClient[Litestar]
    csrf: str

    def page(self, path: str) -> str:
        """A page's text; it must be there."""
        answer = self.client.get(path, follow_redirects=False)
        assert answer.status_code == 200, answer.text
        return answer.text

    def send(self, path: str, **fields: str) -> tuple[int, str]:
        """Sends a form from our own page; the status, and where it leads or what it says."""
        answer = self.client.post(
            path,
            data={"csrf": self.csrf, **fields},
            headers={"sec-fetch-site": "same-origin"},
            follow_redirects=False,
        )
        return answer.status_code, answer.headers.get("location", answer.text)


@pytest.fixture
def client(history: History) -> Iterator[TestClient[Litestar]]:
    """Nobody yet."""
    with TestClient(kept_app_of(console_of(history)), base_url=ORIGIN) as client:
        yield client


@pytest.fixture
def bearer(history: History) -> Callable[[Role], dict[str, str]]:
    """Headers of an API client with a role."""

    def headers(role: Role) -> dict[str, str]:
        return {"authorization": f"Bearer {token_of(history, role, name=f'api-{role.value}')}"}

    return headers


@pytest.fixture
def browser(history: History, client: TestClient[Litestar]) -> Callable[[Role], Browser]:
    """Signs in with a fresh token of a role."""

    def signed_in(role: Role) -> Browser:
        answer = client.post(
            "/signin",
            data={"token": token_of(history, role, name=f"{role.value}-anna")},
            headers={"sec-fetch-site": "same-origin"},
            follow_redirects=False,
        )
        assert answer.status_code == 303, answer.text
        return Browser(client=client, csrf=csrf_token(client.cookies[COOKIE]))

    return signed_in

"""Who may do what: every route, by every kind of visitor."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from litestar import Litestar, get
from litestar.handlers import HTTPRouteHandler
from litestar.testing import TestClient
from tests.console.conftest import COOKIE, ORIGIN, Browser
from tests.fixtures.console import app_of, console_of
from tests.fixtures.history import History

from vedette.console.api.route import ROLE
from vedette.console.guard import api_guard
from vedette.store import Role

OPEN = ("/signin", "/static/", "/v1/schema")
SMALLER = {
    Role.VIEWER: (),
    Role.RESPONDER: (Role.VIEWER,),
    Role.ADMIN: (Role.VIEWER, Role.RESPONDER),
}


def routes(app: Litestar) -> Iterator[tuple[str, str, HTTPRouteHandler]]:
    """Every method and path of the app with its handler."""
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            for method in sorted(handler.http_methods - {"OPTIONS"}):
                yield method, route.path_format, handler


def guarded(history: History) -> list[tuple[str, str, Role | None]]:
    """(method, filled path, least role) of every route that is not open to all."""
    app = app_of(console_of(history))
    return [
        (method, re.sub(r"\{[^}]*\}", "x", path), handler.opt.get(ROLE))
        for method, path, handler in routes(app)
        if not path.startswith(OPEN)
    ]


def test_every_route_that_is_not_open_names_its_role(history: History) -> None:
    found = guarded(history)
    assert len(found) >= 40
    assert [(method, path) for method, path, role in found if role is None] == []


def test_every_api_route_refuses_who_has_no_token(
    client: TestClient[Litestar], history: History
) -> None:
    for method, path, _ in guarded(history):
        if path.startswith("/v1"):
            answer = client.request(method, path, json={})
            assert answer.status_code == 401, (method, path)
            assert answer.headers["www-authenticate"] == "Bearer"
            wrong = client.request(method, path, headers={"authorization": "Bearer vdt_x"})
            assert wrong.status_code == 401, (method, path)


def test_every_api_route_refuses_too_small_a_role(
    client: TestClient[Litestar], history: History, bearer: Callable[[Role], dict[str, str]]
) -> None:
    headers = {role: bearer(role) for role in Role}
    for method, path, needed in guarded(history):
        if not path.startswith("/v1") or needed is None:
            continue
        for role in SMALLER[needed]:
            answer = client.request(method, path, headers=headers[role], json={})
            assert answer.status_code == 403, (method, path, role)
            assert answer.json()["type"] == "/problems/role-too-small"
        enough = client.request(method, path, headers=headers[needed], json={})
        assert enough.status_code not in {401, 403}, (method, path)


def test_every_page_leads_who_has_no_session_to_the_sign_in(
    client: TestClient[Litestar], history: History
) -> None:
    for method, path, _ in guarded(history):
        if not path.startswith("/v1"):
            answer = client.request(method, path, follow_redirects=False)
            assert answer.status_code == 303, (method, path)
            assert answer.headers["location"].startswith("/signin?next=%2F")


def test_every_form_refuses_too_small_a_role(
    history: History, browser: Callable[[Role], Browser]
) -> None:
    viewer = browser(Role.VIEWER)
    for method, path, needed in guarded(history):
        if method == "POST" and not path.startswith("/v1") and needed is not Role.VIEWER:
            status, words = viewer.send(path)
            assert status == 403, path
            assert "needs the role" in words


def test_every_form_refuses_a_wrong_csrf_token_and_another_site(
    client: TestClient[Litestar], history: History, browser: Callable[[Role], Browser]
) -> None:
    admin = browser(Role.ADMIN)
    same, cross = {"sec-fetch-site": "same-origin"}, {"sec-fetch-site": "cross-site"}
    no_metadata: tuple[dict[str, str], ...] = (
        {"origin": "https://evil.test"},
        {"origin": "null"},
        {},
    )
    for method, path, _ in guarded(history):
        if method != "POST" or path.startswith("/v1"):
            continue
        for csrf in ("", "0" * 64):
            answer = client.post(path, data={"csrf": csrf}, headers=same)
            assert answer.status_code == 403, path
        for headers in (cross, {"sec-fetch-site": "same-site"}, *no_metadata):
            answer = client.post(path, data={"csrf": admin.csrf}, headers=headers)
            assert answer.status_code == 403, (path, headers)
    assert client.get("/incidents").status_code == 200, "still signed in: nothing was done"


def test_an_old_browser_may_prove_its_origin_by_the_origin_header(
    client: TestClient[Litestar], history: History, browser: Callable[[Role], Browser]
) -> None:
    admin = browser(Role.ADMIN)
    answer = client.post(
        f"/incidents/{history.incident}/acknowledge",
        data={"csrf": admin.csrf},
        headers={"origin": ORIGIN},
        follow_redirects=False,
    )
    assert answer.status_code == 303


def test_a_form_that_is_not_url_encoded_is_refused(
    client: TestClient[Litestar], history: History, browser: Callable[[Role], Browser]
) -> None:
    admin = browser(Role.ADMIN)
    answer = client.post(
        f"/incidents/{history.incident}/acknowledge",
        json={"csrf": admin.csrf},
        headers={"sec-fetch-site": "same-origin"},
    )
    assert answer.status_code == 400


def test_a_session_may_look_at_the_api_but_changes_nothing_by_it(
    client: TestClient[Litestar], history: History, browser: Callable[[Role], Browser]
) -> None:
    browser(Role.ADMIN)
    assert client.get(f"/v1/incidents/{history.incident}").status_code == 200
    answer = client.post(f"/v1/actions/{history.quarantine}/approve", json={})
    assert answer.status_code == 401


def test_a_route_that_names_no_role_is_refused_to_everybody(
    history: History, bearer: Callable[[Role], dict[str, str]]
) -> None:
    @get("/open", guards=[api_guard(console_of(history))], sync_to_thread=False)
    def forgotten() -> dict[str, Any]:
        return {}

    app = app_of(console_of(history))
    app.register(forgotten)
    with TestClient(app) as client:
        answer = client.get("/open", headers=bearer(Role.ADMIN))
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/no-role")


@pytest.mark.parametrize(
    "authorization",
    ["vdt_abc", "Basic dXNlcjpwYXNz", "Bearer", "Bearer ", "Bearer abc", "bearer vdt_é"],
)
def test_malformed_credentials_are_unauthenticated(
    client: TestClient[Litestar], authorization: str
) -> None:
    answer = client.get("/v1/me", headers={b"authorization": authorization.encode()})
    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/bad-credentials")


def test_a_bearer_token_beside_a_cookie_is_what_counts(
    client: TestClient[Litestar], browser: Callable[[Role], Browser]
) -> None:
    browser(Role.ADMIN)
    assert COOKIE in client.cookies
    answer = client.get("/v1/me", headers={"authorization": "Bearer vdt_wrong"})
    assert answer.status_code == 401

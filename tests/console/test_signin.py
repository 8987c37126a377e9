"""Signing in and out."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar
from litestar.testing import TestClient
from tests.console.conftest import COOKIE, Browser
from tests.fixtures.console import token_of
from tests.fixtures.history import TENANT, History

from vedette.console.credential import csrf_token, new_token, same
from vedette.console.pages.signin import safe_next
from vedette.console.throttle import Throttle
from vedette.core import ManualClock, Throttled, hash_secret
from vedette.store import Role

SAME = {"sec-fetch-site": "same-origin"}


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(
    client: TestClient[Litestar], history: History
) -> None:
    answer = client.post(
        "/signin",
        data={"token": token_of(history, Role.VIEWER)},
        headers=SAME,
        follow_redirects=False,
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/incidents")
    name, _, rest = answer.headers["set-cookie"].partition("=")
    attributes = {part.strip().lower() for part in rest.split(";")[1:]}
    assert name == "__Host-vedette"
    assert {"secure", "httponly", "samesite=strict", "path=/"} <= attributes
    assert not any(attribute.startswith("domain") for attribute in attributes)
    session = rest.split(";")[0]
    assert history.store.sessions.get(hash_secret(session)) is not None
    assert history.store.sessions.get(session) is None, "only its hash is kept"


def test_a_wrong_token_is_told_so_and_opens_nothing(
    client: TestClient[Litestar], history: History
) -> None:
    for wrong in ("", "vdt_wrong", "é" * 50, new_token()):
        answer = client.post("/signin", data={"token": wrong}, headers=SAME, follow_redirects=False)
        assert answer.status_code == 401
        assert "not known" in answer.text
        assert "set-cookie" not in answer.headers
    assert not history.store.audit.find(TENANT, action="session.opened").items


def test_guessing_is_slowed_down_for_its_address_and_ends_by_time(
    client: TestClient[Litestar], history: History
) -> None:
    good = token_of(history, Role.VIEWER)
    for _ in range(10):
        assert client.post("/signin", data={"token": "vdt_x"}, headers=SAME).status_code == 401
    blocked = client.post("/signin", data={"token": good}, headers=SAME)
    assert blocked.status_code == 429
    assert blocked.headers["retry-after"] == "300"
    history.clock.advance(301)
    answer = client.post("/signin", data={"token": good}, headers=SAME, follow_redirects=False)
    assert answer.status_code == 303


def test_a_sign_in_from_another_site_is_refused(
    client: TestClient[Litestar], history: History
) -> None:
    token = token_of(history, Role.VIEWER)
    answer = client.post("/signin", data={"token": token}, headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403
    assert COOKIE not in client.cookies


def test_signing_out_ends_the_session_on_the_server_too(
    client: TestClient[Litestar], browser: Callable[[Role], Browser]
) -> None:
    viewer = browser(Role.VIEWER)
    stolen = client.cookies[COOKIE]
    assert viewer.send("/signout") == (303, "/signin")
    client.cookies.set(COOKIE, stolen)
    assert client.get("/incidents", follow_redirects=False).status_code == 303


def test_a_session_ends_by_time(
    client: TestClient[Litestar], history: History, browser: Callable[[Role], Browser]
) -> None:
    browser(Role.VIEWER)
    stolen = client.cookies[COOKIE]
    history.clock.advance(12 * 3600 + 1)
    answer = client.get(
        "/incidents", headers={"cookie": f"{COOKIE}={stolen}"}, follow_redirects=False
    )
    assert answer.status_code == 303


def test_a_session_ends_with_its_token(
    client: TestClient[Litestar], history: History, browser: Callable[[Role], Browser]
) -> None:
    browser(Role.VIEWER)
    token = history.store.tokens.list(TENANT).items[0]
    history.store.tokens.revoke(TENANT, token.id, actor="user:root")
    assert client.get("/incidents", follow_redirects=False).status_code == 303
    assert client.get("/incidents", headers={"vedette-fragment": "live"}).status_code == 401


def test_after_signing_in_one_is_where_one_wanted_to_be(
    client: TestClient[Litestar], history: History
) -> None:
    wanted = f"/incidents/{history.incident}"
    led = client.get(wanted + "?done=closed", follow_redirects=False).headers["location"]
    page = client.get(led).text
    assert f'value="{wanted}?done=closed"' in page
    answer = client.post(
        "/signin",
        data={"token": token_of(history, Role.VIEWER), "next": wanted},
        headers=SAME,
        follow_redirects=False,
    )
    assert answer.headers["location"] == wanted


def test_a_link_from_another_site_is_asked_once_more_so_that_the_strict_cookie_comes_along(
    client: TestClient[Litestar],
) -> None:
    answer = client.get(
        "/incidents", headers={"sec-fetch-site": "cross-site"}, follow_redirects=False
    )
    assert answer.status_code == 401
    assert 'http-equiv="refresh"' in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.test",
        "//evil.test",
        "/\\evil.test",
        "/a\\b",
        "javascript:x",
        "",
        "/signin",
        "/v1/me",
        "/a\nb",
    ],
)
def test_the_way_on_after_signing_in_never_leaves_the_site(path: str) -> None:
    assert safe_next(path) == "/incidents"


@given(st.text())
def test_the_way_on_is_always_a_path_of_ours(path: str) -> None:
    following = safe_next(path)
    assert following.startswith("/")
    assert not following.startswith(("//", "/\\"))


def test_the_throttle_forgets_who_has_shown_a_secret_and_is_bounded() -> None:
    clock = ManualClock()
    throttle = Throttle(clock, attempts=2, window_seconds=60)
    throttle.failed("a")
    throttle.passed("a")
    throttle.failed("a")
    throttle.check("a")
    throttle.failed("a")
    with pytest.raises(Throttled):
        throttle.check("a")
    for i in range(10_001):
        throttle.failed(str(i))
    throttle.check("a")


def test_nothing_is_the_same_as_an_empty_secret() -> None:
    assert not same("", "")
    assert same("é", "é")
    assert csrf_token("a") != csrf_token("b")

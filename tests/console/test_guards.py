"""The guards over the API and on their page: who may throw, lift and reset, and what is said of it."""

from collections.abc import Callable

from litestar import Litestar
from litestar.testing import TestClient
from tests.console.conftest import Browser
from tests.fixtures.history import TENANT, History

from vedette.core import Breaker, Scope
from vedette.store import Role
from vedette.store.database import Database
from vedette.store.rows import values_of
from vedette.store.schema import BREAKERS

Api = TestClient[Litestar]
Bearer = Callable[[Role], dict[str, str]]
SignIn = Callable[[Role], Browser]


def _trip(history: History) -> None:
    database = Database(f"sqlite:///{history.store_path}")
    breaker = Breaker(
        tenant=TENANT,
        scope=Scope.COHORT,
        key="web",
        tripped_at=history.clock.now(),
        acted=3,
        hosts=12,
        most=3,
        action=history.quarantine,
    )
    with database.writing() as connection:
        database.insert_new(connection, BREAKERS, values_of(breaker))
    database.close()


def test_a_responder_stops_everything_and_an_admin_lets_it_go_on(
    client: Api, bearer: Bearer
) -> None:
    viewer, responder, admin = (bearer(role) for role in Role)
    assert client.get("/v1/guards", headers=viewer).json()["switch"] is None
    refused = client.post("/v1/guards/throw", json={"reason": "x"}, headers=viewer)
    assert refused.status_code == 403
    assert client.post("/v1/guards/throw", json={}, headers=responder).status_code == 400
    thrown = client.post("/v1/guards/throw", json={"reason": "it went mad"}, headers=responder)
    assert (thrown.status_code, thrown.json()["reason"]) == (200, "it went mad")
    again = client.post("/v1/guards/throw", json={"reason": "again"}, headers=responder)
    assert (again.status_code, again.json()["type"]) == (409, "/problems/thrown-before")
    lifting = {"reason": "mended"}
    assert client.post("/v1/guards/lift", json=lifting, headers=responder).status_code == 403
    assert client.post("/v1/guards/lift", json=lifting, headers=admin).json()["switch"] is None
    assert client.post("/v1/guards/lift", json=lifting, headers=admin).status_code == 404


def test_what_is_thrown_for_everyone_is_lifted_on_the_server_alone(
    client: Api, bearer: Bearer, history: History
) -> None:
    history.store.guards.throw(TENANT, actor="user:root", reason="all of it", everyone=True)
    lifted = client.post("/v1/guards/lift", json={"reason": "x"}, headers=bearer(Role.ADMIN))
    assert (lifted.status_code, lifted.json()["type"]) == (409, "/problems/thrown-for-everyone")


def test_an_admin_resets_a_breaker_and_says_why(
    client: Api, bearer: Bearer, history: History
) -> None:
    _trip(history)
    admin = bearer(Role.ADMIN)
    (found,) = client.get("/v1/guards", headers=admin).json()["breakers"]
    assert (found["scope"], found["key"], found["acted"], found["reset_at"]) == (
        "cohort",
        "web",
        3,
        None,
    )
    wanted = {"scope": "cohort", "key": "web", "reason": "a false alarm"}
    assert (
        client.post("/v1/guards/reset", json=wanted, headers=bearer(Role.RESPONDER)).status_code
        == 403
    )
    done = client.post("/v1/guards/reset", json=wanted, headers=admin).json()
    assert (done["reset_by"], done["reset_why"]) == ("user:api-admin", "a false alarm")
    assert client.post("/v1/guards/reset", json=wanted, headers=admin).status_code == 404


def test_the_page_shows_how_they_stand_and_asks_why(browser: SignIn, history: History) -> None:
    _trip(history)
    admin = browser(Role.ADMIN)
    text = admin.page("/guards")
    assert "not thrown" in text
    assert "3 of 12" in text
    assert admin.send("/guards/throw", reason=" ")[0] == 400
    assert admin.send("/guards/throw", reason="a drill") == (303, "/guards?done=thrown")
    assert "stopped all disruptive actions" in admin.page("/guards")
    assert admin.send("/guards/lift", reason="over") == (303, "/guards?done=lifted")
    assert admin.send("/guards/reset", scope="nothing", reason="x")[0] == 400
    done = admin.send("/guards/reset", scope="cohort", key="web", reason="looked at")
    assert done == (303, "/guards?done=reset")
    assert "looked at" in admin.page("/guards")


def test_without_a_breaker_the_page_says_what_one_is(browser: SignIn) -> None:
    text = browser(Role.VIEWER).page("/guards")
    assert "No breaker has tripped" in text
    assert "Stop all actions" not in text

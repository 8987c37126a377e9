"""What a cloud's API carries out needs no agent: people propose it for any host where the settings turn the cloud on."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from tests.console.conftest import ORIGIN, Browser
from tests.fixtures.console import console_of, kept_app_of, served, token_of
from tests.fixtures.history import TENANT, History
from typer.testing import CliRunner

from vedette.app.cli.main import app
from vedette.app.cloud_settings import Ec2Settings
from vedette.app.clouds import clouds_of
from vedette.app.policy_book import PolicyBook
from vedette.app.settings import Settings
from vedette.console.pages.deeds import consequence
from vedette.core import ActionState, HostDescription, HostId, TenantId
from vedette.store import Role

Api = TestClient[Litestar]
Bearer = Callable[[Role], dict[str, str]]
SETTINGS = Settings(ec2=Ec2Settings(enabled=True))
PROTECTS = """
version: 1
policies:
  - {name: cut, mode: approve, then: [{action: ec2_isolate, with: {lease: 1h}}], within: {protected: {role: [db]}}}
"""


@pytest.fixture
def book(history: History) -> PolicyBook:
    """As it is in the service, with EC2 turned on and Kubernetes off."""
    return PolicyBook(SETTINGS, history.store, history.clock)


@pytest.fixture
def client(history: History, book: PolicyBook) -> Iterator[Api]:
    """Over that book."""
    with TestClient(kept_app_of(console_of(history, policies=book)), base_url=ORIGIN) as client:
        yield client


def enrolled(history: History, name: str, *can_act: str, role: str = "web") -> HostId:
    return history.store.hosts.enrol(
        TENANT,
        description=HostDescription(id=HostId(name), hostname=name, labels={"role": role}),
        kid=f"kid-{name}",
        public_key=f"key of {name}",
        actor="user:ada",
        host=HostId(name),
        can_act=can_act,
    ).id


def asked(host: HostId, kind: str = "ec2_isolate", **parameters: str) -> dict[str, object]:
    return {"kind": kind, "host": host, "parameters": parameters, "reason": "odd"}


def test_it_is_proposed_for_a_host_that_only_observes_and_waits_for_somebody_else(
    client: Api, bearer: Bearer, history: History
) -> None:
    mute = enrolled(history, "mute")
    mine = bearer(Role.RESPONDER)
    made = client.post("/v1/actions", json=asked(mute, lease="1h"), headers=mine)
    assert made.status_code == 201, made.text
    action = made.json()
    assert (action["mode"], action["disruptive"], action["lease_seconds"]) == (
        "approve",
        True,
        3_600,
    )
    assert action["proposed_by"] == "user:api-responder"
    history.store.actions.advance(
        TENANT, action["id"], ActionState.AWAITING_APPROVAL, actor="system:respond"
    )
    path = f"/v1/actions/{action['id']}/approve"
    own = client.post(path, json={"reason": "go"}, headers=mine)
    assert own.json()["type"] == "/problems/own-proposal"
    other = client.post(path, json={"reason": "go"}, headers=bearer(Role.ADMIN))
    assert other.json()["state"] == "approved"


@pytest.mark.parametrize(
    ("host", "kind", "status", "problem", "words"),
    [
        ("mute", "quarantine", 409, "can-not-act", "its allow-list has nothing: it only observes"),
        ("mute", "kubernetes_scale", 409, "can-not-act", "kubernetes.enabled is not set"),
        # What a host says of itself turns no cloud on.
        ("claims", "kubernetes_scale", 409, "can-not-act", "kubernetes.enabled is not set"),
        ("mute", "mail", 409, "can-not-act", "can't carry out 'mail'"),
        ("db", "ec2_isolate", 409, "host-protected", "policy cut protects hosts with role: db"),
        ("mute", "ec2_isolate", 400, "bad-request", "lease must be a duration"),
        ("gone", "ec2_isolate", 409, "host-revoked", "host gone is revoked"),
    ],
)
def test_the_guards_are_what_they_are_for_agents(
    client: Api,
    bearer: Bearer,
    history: History,
    book: PolicyBook,
    host: str,
    kind: str,
    status: int,
    problem: str,
    words: str,
) -> None:
    book.apply(TENANT, PROTECTS, actor="user:ada", reason="first")
    can = ("kubernetes_scale",) if host == "claims" else ()
    ident = enrolled(history, host, *can, role="db" if host == "db" else "web")
    if host == "gone":
        history.store.hosts.revoke(TENANT, ident, actor="user:ada", reason="gone")
    lease = {} if problem == "bad-request" else {"lease": "1h"}
    answer = client.post(
        "/v1/actions", json=asked(ident, kind, **lease), headers=bearer(Role.RESPONDER)
    )
    assert answer.status_code == status, answer.text
    assert words in answer.json()["detail"]
    assert problem == "bad-request" or answer.json()["type"] == f"/problems/{problem}"
    assert client.post("/v1/actions", json=asked(ident, kind)).status_code == 401
    assert history.store.actions.find(TENANT, host=ident).items == ()


def test_pages_offer_it_beside_what_the_agent_allows(
    browser: Callable[[Role], Browser], history: History
) -> None:
    mute, able = enrolled(history, "mute"), enrolled(history, "able", "quarantine")
    anna = browser(Role.RESPONDER)
    page = anna.page(f"/hosts/{mute}")
    assert f"/actions/propose?host={mute}" in page
    assert "<dt>Without its agent</dt><dd>ec2_isolate, ec2_stop</dd>" in page
    first = anna.page(f"/actions/propose?host={mute}")
    assert 'value="ec2_isolate"' in first
    assert "kubernetes" not in first
    assert 'value="quarantine"' not in first
    assert 'value="quarantine"' in anna.page(f"/actions/propose?host={able}")
    fields = {"kind": "ec2_isolate", "host": str(mute), "reason": "odd", "dry_run": "on"}
    status, where = anna.send(
        "/actions/propose", **fields, with_lease="1h", with_snapshot_first="on"
    )
    assert (status, where) == (303, f"/hosts/{mute}?done=proposed")
    (made,) = history.store.actions.find(TENANT, host=mute).items
    assert (made.dry_run, made.parameters["snapshot_first"]) == (True, True)
    assert "the cloud's API is asked to plan it" in consequence(made, "mute")


def test_the_command_proposes_it(
    history: History, book: PolicyBook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mute = enrolled(history, "mute")
    with served(kept_app_of(console_of(history, policies=book)), tmp_path) as url:
        monkeypatch.setenv("VEDETTE_URL", url)
        monkeypatch.setenv("VEDETTE_CA", str(tmp_path / "server.pem"))
        monkeypatch.setenv("VEDETTE_TOKEN", token_of(history, Role.RESPONDER, name="eva"))
        words = ["actions", "propose", "ec2_isolate", "--host", mute, "--with", '{"lease": "1h"}']
        said = CliRunner().invoke(app, [*words, "-m", "odd"], catch_exceptions=False)
    assert said.exit_code == 0, said.output
    (made,) = history.store.actions.find(TENANT, host=mute).items
    assert (made.kind, made.proposed_by, made.detail) == ("ec2_isolate", "user:eva", "odd")


def test_an_incidents_page_offers_it_too(
    browser: Callable[[Role], Browser], history: History
) -> None:
    host = history.store.incidents.get(TENANT, history.incident).host
    assert host is not None
    history.store.hosts.allow(TENANT, host, ())
    page = browser(Role.RESPONDER).page(f"/incidents/{history.incident}")
    assert f"/actions/propose?host={host}" in page


def test_nothing_is_offered_for_a_host_that_was_revoked(
    browser: Callable[[Role], Browser], history: History
) -> None:
    host = history.store.incidents.get(TENANT, history.incident).host
    assert host is not None
    anna, offer = browser(Role.RESPONDER), f"/actions/propose?host={host}"
    paths = (f"/incidents/{history.incident}", f"/hosts/{host}")
    assert all(offer in anna.page(path) for path in paths)
    history.store.hosts.revoke(TENANT, host, actor="user:eva", reason="stolen")
    assert not any(offer in anna.page(path) for path in paths)


def test_a_hosts_word_makes_nothing_of_a_kind_that_is_done_to_hosts(
    client: Api, bearer: Bearer, history: History, browser: Callable[[Role], Browser]
) -> None:
    """What tells people, or is no kind at all, can't be proposed for a host that says it can do it."""
    liar = enrolled(history, "liar", "mail", "webhook", "fly", "quarantine")
    mine = bearer(Role.RESPONDER)
    for kind in ("mail", "fly", "kill_process"):
        refused = client.post("/v1/actions", json=asked(liar, kind), headers=mine)
        assert refused.status_code == 409, refused.text
        assert refused.json()["detail"].endswith("its allow-list has quarantine")
    page = browser(Role.RESPONDER).page(f"/actions/propose?host={liar}")
    assert 'value="quarantine"' in page
    assert 'value="mail"' not in page
    assert 'value="fly"' not in page


def test_a_cloud_is_of_one_tenant() -> None:
    assert clouds_of(SETTINGS, TENANT)["ec2_stop"] == ""
    why = clouds_of(SETTINGS, TenantId("other"))["ec2_stop"]
    assert why == "ec2_stop is not set up for hosts of this tenant (docs/cloud.md)"
    assert set(clouds_of(Settings(), TENANT)) == {
        "ec2_isolate",
        "ec2_stop",
        "kubernetes_cordon",
        "kubernetes_isolate",
        "kubernetes_scale",
    }

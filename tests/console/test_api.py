"""The REST API over a filled store."""

from collections.abc import Callable
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from tests.fixtures.history import NOW, TENANT, History

from vedette.core import HostId
from vedette.store import Role

Api = TestClient[Litestar]
Bearer = Callable[[Role], dict[str, str]]


def _get(client: Api, path: str, headers: dict[str, str]) -> Any:
    answer = client.get(path, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


def test_hosts_are_found_by_status_and_text(client: Api, bearer: Bearer) -> None:
    viewer = bearer(Role.VIEWER)
    names = [host["hostname"] for host in _get(client, "/v1/hosts", viewer)["items"]]
    assert names == ["build-7", "db-1", "web-1", "web-2", "web-3"]
    abnormal = _get(client, "/v1/hosts?status=abnormal", viewer)["items"]
    assert [host["hostname"] for host in abnormal] == ["web-2"]
    assert len(_get(client, "/v1/hosts?text=WEB", viewer)["items"]) == 3


def test_pages_of_a_list_follow_their_cursor_to_the_end(client: Api, bearer: Bearer) -> None:
    viewer, seen, after = bearer(Role.VIEWER), [], ""
    while True:
        page = _get(client, f"/v1/verdicts?limit=100{after}", viewer)
        seen += [verdict["id"] for verdict in page["items"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert len(seen) == len(set(seen)) == 25 + 3 + 3 + 69 + 14 + 120


def test_a_cursor_of_another_list_is_refused_in_words(client: Api, bearer: Bearer) -> None:
    viewer = bearer(Role.VIEWER)
    cursor = _get(client, "/v1/verdicts?limit=1", viewer)["next"]
    answer = client.get(f"/v1/hosts?after={cursor}", headers=viewer)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert "cursor" in answer.json()["detail"]


def test_verdicts_are_found_by_host_label_and_time(
    client: Api, bearer: Bearer, history: History
) -> None:
    viewer, host = bearer(Role.VIEWER), history.hosts["web-2"]
    found = _get(client, f"/v1/verdicts?host={host}&label=abnormal", viewer)["items"]
    assert len(found) == 13
    assert found[0]["reasons"][0]["attack"] == "T1053.003"
    since = _get(client, f"/v1/verdicts?host={host}&since=2026-11-22T19:55:00Z", viewer)["items"]
    assert len(since) == 5
    assert _get(client, f"/v1/verdicts/{found[0]['id']}", viewer) == found[0]


@pytest.mark.parametrize(
    "query",
    [
        "since=yesterday",
        "since=5",
        "since=2026-11-22T19:55:00",
        "limit=0",
        "limit=501",
        "limit=x",
        "label=odd",
    ],
)
def test_a_parameter_that_cannot_be_used_is_a_problem(
    client: Api, bearer: Bearer, query: str
) -> None:
    answer = client.get(f"/v1/verdicts?{query}", headers=bearer(Role.VIEWER))
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert query.split("=", maxsplit=1)[0] in answer.text


def test_facts_are_asked_as_of_a_moment(client: Api, bearer: Bearer, history: History) -> None:
    viewer, host = bearer(Role.VIEWER), history.hosts["web-2"]
    now = _get(client, f"/v1/hosts/{host}/facts?table=crontab", viewer)["items"]
    assert [fact["row"]["path"] for fact in now] == ["/etc/cron.d/.sysupd"]
    before = _get(client, f"/v1/hosts/{host}/facts?at=2026-11-22T19:00:00Z", viewer)
    assert before == {"items": [], "next": None}


@pytest.mark.parametrize(
    "path",
    [
        "hosts/x",
        "hosts/x/facts",
        "verdicts/x",
        "incidents/x",
        "incidents/x/events",
        "actions/x",
        "actions/x/events",
    ],
)
def test_what_is_not_there_is_not_found(client: Api, bearer: Bearer, path: str) -> None:
    answer = client.get(f"/v1/{path}", headers=bearer(Role.VIEWER))
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")


def test_another_tenants_records_are_not_found(
    client: Api, history: History, bearer: Bearer
) -> None:
    foreign = HostId("11111111-1111-4111-8111-111111111111")
    assert client.get(f"/v1/hosts/{foreign}", headers=bearer(Role.ADMIN)).status_code == 404
    assert all(
        h["tenant"] == TENANT for h in _get(client, "/v1/hosts", bearer(Role.VIEWER))["items"]
    )
    assert history.hosts


def test_incidents_are_found_by_state_severity_and_host(
    client: Api, bearer: Bearer, history: History
) -> None:
    viewer = bearer(Role.VIEWER)
    found = _get(client, "/v1/incidents?state=open&severity=critical", viewer)["items"]
    assert [incident["id"] for incident in found] == [history.incident]
    host = history.hosts["db-1"]
    assert [i["id"] for i in _get(client, f"/v1/incidents?host={host}", viewer)["items"]] == [
        history.quiet
    ]
    kinds = [
        e["kind"] for e in _get(client, f"/v1/incidents/{history.incident}/events", viewer)["items"]
    ]
    assert kinds == ["opened", "raised", "comment"]


def test_an_action_is_approved_once(client: Api, bearer: Bearer, history: History) -> None:
    path, headers = f"/v1/actions/{history.quarantine}", bearer(Role.RESPONDER)
    approved = client.post(f"{path}/approve", json={"reason": "agreed"}, headers=headers)
    assert (approved.status_code, approved.json()["state"]) == (200, "approved")
    assert approved.json()["decided_by"] == "user:api-responder"
    again = client.post(f"{path}/approve", json={"reason": "twice"}, headers=headers)
    assert (again.status_code, again.json()["type"]) == (409, "/problems/not-awaiting-approval")
    refused = client.post(f"{path}/refuse", json={"reason": "no"}, headers=headers)
    assert refused.status_code == 409
    audit = _get(client, f"/v1/audit?subject={history.quarantine}", headers)["items"]
    assert (audit[0]["actor"], audit[0]["action"], audit[0]["reason"]) == (
        "user:api-responder",
        "action.approved",
        "agreed",
    )


@pytest.mark.parametrize("verb", ["approve", "refuse"])
@pytest.mark.parametrize("body", [{}, {"reason": "  "}])
def test_a_decision_without_a_reason_is_refused_and_changes_nothing(
    client: Api, bearer: Bearer, history: History, verb: str, body: dict[str, str]
) -> None:
    path, headers = f"/v1/actions/{history.quarantine}", bearer(Role.RESPONDER)
    answer = client.post(f"{path}/{verb}", json=body, headers=headers)
    assert answer.status_code == 400
    assert f"say why you {verb} this action" in answer.json()["detail"]
    assert _get(client, path, headers)["state"] == "awaiting_approval"


def test_an_approval_after_its_time_is_a_conflict(
    client: Api, bearer: Bearer, history: History
) -> None:
    headers = bearer(Role.RESPONDER)
    history.clock.advance(3600)
    said = {"reason": "agreed"}
    answer = client.post(f"/v1/actions/{history.quarantine}/approve", json=said, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/approval-expired")


def test_an_action_is_cancelled_only_before_its_host_took_it_up(
    client: Api, bearer: Bearer, history: History
) -> None:
    headers = bearer(Role.RESPONDER)
    done = client.post(f"/v1/actions/{history.mail}/cancel", json={}, headers=headers)
    assert (done.status_code, done.json()["type"]) == (409, "/problems/not-cancellable")
    open_one = client.post(
        f"/v1/actions/{history.quarantine}/cancel", json={"reason": "not now"}, headers=headers
    )
    assert open_one.json()["state"] == "cancelled"
    steps = _get(client, f"/v1/actions/{history.quarantine}/events", headers)["items"]
    assert [step["state"] for step in steps] == ["proposed", "awaiting_approval", "cancelled"]
    found = _get(client, "/v1/actions?state=cancelled&kind=quarantine", headers)["items"]
    assert [action["id"] for action in found] == [history.quarantine]


def test_an_incident_is_acknowledged_commented_and_closed(
    client: Api, bearer: Bearer, history: History
) -> None:
    path, headers = f"/v1/incidents/{history.incident}", bearer(Role.RESPONDER)
    taken = client.post(f"{path}/acknowledge", json={"reason": "on it"}, headers=headers)
    assert taken.json()["acknowledged_by"] == "user:api-responder"
    assert client.post(f"{path}/acknowledge", json={}, headers=headers).status_code == 409
    said = client.post(f"{path}/comments", json={"text": "it was the backup"}, headers=headers)
    assert (said.status_code, said.json()["items"][-1]["text"]) == (201, "it was the backup")
    closing = {"resolution": "benign_change", "comment": "known"}
    closed = client.post(f"{path}/close", json=closing, headers=headers).json()
    assert (closed["state"], closed["resolution"]) == ("closed", "benign_change")
    assert client.post(f"{path}/close", json=closing, headers=headers).status_code == 409
    (heard,) = _get(client, f"/v1/sayings?host={closed['host']}", headers)["items"]
    assert heard["incident"] == closed["id"]


def test_an_admin_says_what_is_normal_for_a_cohort_and_why(
    client: Api, bearer: Bearer, history: History
) -> None:
    path = f"/v1/incidents/{history.incident}/close"
    closing = {"resolution": "benign_change", "scope": "cohort", "comment": "rolled out by us"}
    refused = client.post(path, json=closing, headers=bearer(Role.RESPONDER))
    assert (refused.status_code, refused.json()["type"].rsplit("/", 1)[-1]) == (403, "needs-admin")
    admin = bearer(Role.ADMIN)
    for wrong in ({"comment": " "}, {"resolution": "true_positive"}, {"scope": "fleet"}):
        assert client.post(path, json=closing | wrong, headers=admin).status_code == 400
    assert client.post(path, json=closing, headers=admin).json()["state"] == "closed"
    host = history.store.incidents.get(TENANT, history.incident).host
    assert host is not None
    said = history.store.sayings.of(TENANT, [host], since=NOW)
    assert [(one.normal, one.cohort, one.reason) for one in said] == [
        (True, True, "rolled out by us")
    ]
    asked = f"/v1/audit?action=incident.said_normal&subject={history.incident}"
    (entry,) = client.get(asked, headers=admin).json()["items"]
    assert (entry["actor"], entry["reason"]) == ("user:api-admin", "rolled out by us")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("close", {"resolution": "expired"}),
        ("close", {}),
        ("comments", {"text": "   "}),
        ("comments", {"text": "x" * 4001}),
        ("acknowledge", {"reason": "\x00"}),
        ("acknowledge", []),
    ],
)
def test_a_body_that_cannot_be_used_changes_nothing(
    client: Api, bearer: Bearer, history: History, path: str, body: object
) -> None:
    before = history.store.incidents.get(TENANT, history.incident)
    answer = client.post(
        f"/v1/incidents/{history.incident}/{path}", json=body, headers=bearer(Role.RESPONDER)
    )
    assert answer.status_code == 400, answer.text
    assert history.store.incidents.get(TENANT, history.incident) == before


def test_a_body_over_the_bound_is_too_large(client: Api, bearer: Bearer, history: History) -> None:
    answer = client.post(
        f"/v1/incidents/{history.incident}/comments",
        json={"text": "x" * 300_000},
        headers=bearer(Role.RESPONDER),
    )
    assert answer.status_code == 413


def test_a_new_token_works_until_it_is_revoked_and_is_kept_as_a_hash(
    client: Api, bearer: Bearer, history: History
) -> None:
    admin = bearer(Role.ADMIN)
    made = client.post(
        "/v1/tokens", json={"name": "ben", "role": "viewer", "valid_days": 7}, headers=admin
    )
    assert made.status_code == 201
    secret, token = made.json()["secret"], made.json()["token"]
    assert secret.startswith("vdt_")
    own = {"authorization": f"Bearer {secret}"}
    assert _get(client, "/v1/me", own) == {
        "tenant": "default",
        "name": "ben",
        "role": "viewer",
        "version": "0.1.0",
    }
    assert secret not in client.get("/v1/tokens", headers=admin).text
    assert secret.encode() not in (history.store_path.read_bytes())
    assert client.delete(f"/v1/tokens/{token['id']}", headers=admin).status_code == 204
    assert client.get("/v1/me", headers=own).status_code == 401


def test_two_usable_tokens_cannot_share_a_name(client: Api, bearer: Bearer) -> None:
    admin, body = bearer(Role.ADMIN), {"name": "ben", "role": "viewer"}
    assert client.post("/v1/tokens", json=body, headers=admin).status_code == 201
    assert client.post("/v1/tokens", json=body, headers=admin).status_code == 409


def test_a_token_ends_by_time(client: Api, bearer: Bearer, history: History) -> None:
    headers = bearer(Role.VIEWER)
    history.clock.advance(31 * 86_400)
    assert client.get("/v1/me", headers=headers).status_code == 401


def test_an_enrolment_token_is_shown_once_and_revoked(
    client: Api, bearer: Bearer, history: History
) -> None:
    admin = bearer(Role.ADMIN)
    made = client.post(
        "/v1/enrolments", json={"uses": 3, "labels": {"role": "web"}}, headers=admin
    ).json()
    assert made["secret"].startswith("vde1.default.")
    assert made["enrolment"]["uses_left"] == 3
    listed = client.get("/v1/enrolments", headers=admin)
    assert made["secret"] not in listed.text
    identifier = made["enrolment"]["id"]
    assert client.delete(f"/v1/enrolments/{identifier}", headers=admin).status_code == 204
    item = _get(client, "/v1/enrolments", admin)["items"][0]
    assert item["revoked_at"] == NOW.isoformat().replace("+00:00", "Z")
    assert history.store.audit.find(TENANT, action="enrolment.revoked").items


def test_a_revoked_host_keeps_its_history(client: Api, bearer: Bearer, history: History) -> None:
    admin, host = bearer(Role.ADMIN), history.hosts["web-3"]
    answer = client.post(f"/v1/hosts/{host}/revoke", json={"reason": "sold"}, headers=admin)
    assert answer.json()["revoked_at"] is not None
    assert len(_get(client, f"/v1/verdicts?host={host}", admin)["items"]) == 40


def test_policies_and_models_are_told(client: Api, bearer: Bearer) -> None:
    viewer = bearer(Role.VIEWER)
    assert "policies:" in _get(client, "/v1/policies", viewer)["text"]
    assert _get(client, "/v1/models", viewer)["items"][0]["role"] == "champion"


def test_the_audit_is_filtered_by_actor_action_and_time(client: Api, bearer: Bearer) -> None:
    viewer = bearer(Role.VIEWER)
    found = _get(client, "/v1/audit?actor=user:anna&action=incident.closed", viewer)["items"]
    assert [entry["reason"] for entry in found] == ["Planned roll-out of the exporter."]
    assert _get(client, "/v1/audit?until=2020-01-01T00:00:00Z", viewer)["items"] == []


SENT: dict[str, dict[str, Any]] = {
    "/v1/actions": {"kind": "reboot", "host": "h", "reason": "r"},
    "/v1/incidents/none/false-positive": {"reason": "r"},
    "/v1/silences": {"ends_at": "2026-11-22T21:00:00Z", "reason": "r", "host": "h"},
    "/v1/tokens": {"name": "eve", "role": "viewer"},
    "/v1/enrolments": {"uses": 1},
    "/v1/policies": {"text": "policies: []", "reason": "r"},
    "/v1/oncall": {"text": "people: {}", "reason": "r"},
    "/v1/guards/throw": {"reason": "r"},
    "/v1/dead-letters/purge": {"host": "h", "reason": "r"},
}


@pytest.mark.parametrize("path", SENT)
@pytest.mark.parametrize("field", ["dryrun", "dry-run", "with", "Reason"])
def test_a_field_that_nobody_knows_is_refused_by_its_name(
    client: Api, bearer: Bearer, history: History, path: str, field: str
) -> None:
    """A misspelt dry run would be done in earnest."""
    before = len(history.store.actions.find(TENANT).items)
    answer = client.post(path, json=SENT[path] | {field: True}, headers=bearer(Role.ADMIN))
    assert answer.status_code == 400, answer.text
    assert answer.json()["type"] == "/problems/invalid-input"
    assert f"`{field}`" in answer.text
    assert len(history.store.actions.find(TENANT).items) == before

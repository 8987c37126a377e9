"""What people see of a fleet's incident and of the service's own."""

from collections.abc import Callable
from datetime import timedelta

import msgspec
from litestar import Litestar
from litestar.testing import TestClient
from tests.console.conftest import Browser
from tests.contracts.store_suite_storms import ill
from tests.fixtures.history import NOW, TENANT, History

from vedette.core import Incident, IncidentState, Severity
from vedette.decide import gather
from vedette.store import Role

SignIn = Callable[[Role], Browser]


def storm(history: History) -> Incident:
    """Sixty hosts at once, some minutes ago."""
    effects = []
    for number in range(60):
        effect = ill(number)
        at = NOW - timedelta(minutes=5)
        incidents = tuple(
            msgspec.structs.replace(one, opened_at=at, last_abnormal_at=at)
            for one in effect.incidents
        )
        effects.append(msgspec.structs.replace(effect, incidents=incidents))
    history.store.apply(effects, actor="system:detector")
    history.store.incidents.gather(gather)
    (fleet,) = (
        one for one in history.store.incidents.find(TENANT, whole=True).items if one.kind == "fleet"
    )
    return fleet


def test_a_storm_is_one_line_in_the_list_and_its_hosts_are_on_its_page(
    browser: SignIn, history: History
) -> None:
    fleet = storm(history)
    anna = browser(Role.RESPONDER)
    listed = anna.page("/incidents")
    assert fleet.title in listed
    assert "<b>60 hosts</b>" in listed
    assert "incident-001" not in listed
    page = anna.page(f"/incidents/{fleet.id}")
    assert "/incidents/incident-059" in page
    assert "The newest 50 of 60" in page
    assert "The incidents of its hosts are closed with it." in page
    member = anna.page("/incidents/incident-001")
    assert f'href="/incidents/{fleet.id}"' in member
    status, _ = anna.send(f"/incidents/{fleet.id}/close", resolution="false_positive")
    assert status == 303
    closed = history.store.incidents.find(TENANT, part_of=fleet.id).items
    assert {one.state for one in closed} == {IncidentState.CLOSED}


def test_the_api_gives_the_hosts_of_a_storm(
    client: TestClient[Litestar], bearer: Callable[[Role], dict[str, str]], history: History
) -> None:
    fleet = storm(history)
    headers = bearer(Role.VIEWER)
    found = client.get(f"/v1/incidents/{fleet.id}", headers=headers).json()
    assert (found["host"], found["hosts"], found["kind"]) == (None, 60, "fleet")
    answer = client.get(f"/v1/incidents?part_of={fleet.id}", headers=headers).json()
    assert len(answer["items"]) == 60
    assert {one["part_of"] for one in answer["items"]} == {fleet.id}


def test_an_incident_of_the_service_itself_has_a_page_without_a_host(
    browser: SignIn, history: History
) -> None:
    one = history.store.incidents.raise_own(
        TENANT, "breaker:x", title="A breaker tripped", severity=Severity.HIGH, actor="system:x"
    )
    anna = browser(Role.VIEWER)
    assert "<b>Vedette itself</b>" in anna.page("/incidents")
    page = anna.page(f"/incidents/{one.id}")
    assert "A breaker tripped" in page
    assert "<dt>Host</dt>" not in page

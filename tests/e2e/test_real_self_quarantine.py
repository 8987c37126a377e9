"""From an abnormal behaviour to a host that quarantines itself, all parts real: server, detector, responder, agent, kernel."""

from pathlib import Path
from typing import Any

import pytest
from tests.e2e.real_host import real_agent, rules, wait_for
from tests.fixtures.neighbour import Neighbour
from tests.fixtures.network import Network
from tests.fixtures.service import Service, running_service

from vedette.app.demo.port import free_port
from vedette.app.demo.story import abnormal_behaviour
from vedette.core import OWN_POLICY

pytestmark = pytest.mark.alone
AGENT = """
wait_for_verdict = 10
[self_quarantine]
enabled = true
min_severity = "low"
confirmed = false
lease = 60
"""
POLICIES = """
version: 1
policies:
  - name: never
    on: [opened]
    when: 'verdict.score > 2.0'
    then: [{action: quarantine, with: {lease: 60s}}]
    mode: observe
"""


def test_a_host_quarantines_itself_and_people_release_it_for_good(tmp_path: Path) -> None:
    policies = tmp_path / "policies.yaml"
    policies.write_text(POLICIES)
    with Network() as network, Neighbour(network) as neighbour:
        server = f'port = {(port := free_port())}\nhost = "0.0.0.0"\npublic_url = "https://{network.here}:{port}"\n'
        names = f'names = ["localhost", "127.0.0.1", "{network.here}"]'
        more = (
            f'[ingest]\ninterval = 0.5\n[respond]\npolicies = "{policies}"\n'
            "trial_days = 0\ndrift_share = 1\n"
        )
        with running_service(tmp_path, server=server + names, more=more) as service:
            before = rules(network)
            with real_agent(tmp_path, network, service, AGENT), abnormal_behaviour():
                verified = wait_for(lambda: _action(service, "verified"), 120)
                assert (verified["policy"], verified["kind"]) == (OWN_POLICY, "quarantine")
                assert not neighbour.reached()
                assert not neighbour.reaches()
                with service.client("responder") as client:
                    said = {"reason": "seen"}
                    address = f"/v1/actions/{verified['id']}/release"
                    client.post(address, json=said).raise_for_status()
                wait_for(lambda: _action(service, "released"), 60)
                assert neighbour.reached()
                assert rules(network) == before
                # Snapshots go on being abnormal; in this incident it does not do so again.
                service.wait_for_verdicts(len(service.wait_for_verdicts(1)) + 4, 60)
                assert neighbour.reached()
            with service.client("viewer") as client:
                items = client.get("/v1/actions").raise_for_status().json()["items"]
                told = client.get(f"/v1/actions/{verified['id']}/events").raise_for_status()
    assert [one["id"] for one in items] == [verified["id"]]
    assert [one["state"] for one in told.json()["items"]][:6] == [
        "proposed",
        "approved",
        "dispatched",
        "acknowledged",
        "applied",
        "verified",
    ]


def _action(service: Service, state: str) -> dict[str, Any] | None:
    with service.client("viewer") as client:
        items = client.get("/v1/actions").raise_for_status().json()["items"]
    for item in items:
        assert item["state"] not in {"failed", "refused", "expired"} - {state}, item
        if item["state"] == state:
            return dict(item)
    return None

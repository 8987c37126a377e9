"""From an abnormal behaviour to a quarantine that people release, all parts real: server, detector, responder, agent, kernel."""

from pathlib import Path
from typing import Any

import pytest
from tests.e2e.real_host import real_agent, rules, wait_for
from tests.fixtures.neighbour import Neighbour
from tests.fixtures.network import Network
from tests.fixtures.service import Service, running_service

from vedette.app.demo.port import free_port
from vedette.app.demo.story import abnormal_behaviour

pytestmark = pytest.mark.alone
POLICIES = """
version: 1
policies:
  - name: cut-off
    on: [opened]
    when: 'incident.severity in ["high", "critical"]'
    then:
      - action: quarantine
        with: {lease: 60s}
        dry_run: false
    mode: approve
"""


def test_an_approved_quarantine_is_verified_renewed_and_released_by_people(tmp_path: Path) -> None:
    policies = tmp_path / "policies.yaml"
    policies.write_text(POLICIES)
    with Network() as network, Neighbour(network) as neighbour:
        server = f'port = {(port := free_port())}\nhost = "0.0.0.0"\npublic_url = "https://{network.here}:{port}"\n'
        names = f'names = ["localhost", "127.0.0.1", "{network.here}"]'
        more = f'[ingest]\ninterval = 0.5\n[respond]\npolicies = "{policies}"\n'
        with running_service(tmp_path, server=server + names, more=more) as service:
            before = rules(network)
            with real_agent(tmp_path, network, service), abnormal_behaviour():
                action = wait_for(lambda: _action(service, "awaiting_approval"), 120)["id"]
                with service.client("responder") as client:
                    said = {"reason": "seen"}
                    client.post(f"/v1/actions/{action}/approve", json=said).raise_for_status()
                verified = wait_for(lambda: _action(service, "verified", action), 60)
                assert not neighbour.reached()
                assert not neighbour.reaches()
                # Half a minute on it has been renewed: the lease is of a minute.
                later = verified["lease_until"] + "x"
                wait_for(lambda: _action(service, "verified", action, longer_than=later), 90)
                assert not neighbour.reached()
                with service.client("responder") as client:
                    client.post(f"/v1/actions/{action}/release", json=said).raise_for_status()
                wait_for(lambda: _action(service, "released", action), 60)
                assert neighbour.reached()
                assert neighbour.reaches()
                assert rules(network) == before
            with service.client("viewer") as client:
                told = client.get(f"/v1/actions/{action}/events").raise_for_status().json()["items"]
    probes = [event["data"]["probe"] for event in told if event["data"].get("probe")]
    assert len(probes) >= 2
    assert all("refused by the kernel's rules" in one["forbidden_blocked"] for one in probes)
    assert told[-1]["state"] == "released"
    assert told[-1]["data"]["restored"] is True


def _action(
    service: Service, state: str, which: str = "", *, longer_than: str = ""
) -> dict[str, Any] | None:
    """Other programs of this machine may bring about incidents of their own: once one action was approved, it is about that."""
    with service.client("viewer") as client:
        items = client.get("/v1/actions").raise_for_status().json()["items"]
    for item in items:
        if which in {"", item["id"]}:
            assert item["state"] not in {"failed", "refused", "expired"} - {state}, item
            if item["state"] == state and (item["lease_until"] or "") >= longer_than:
                return dict(item)
    return None

"""Copied, restored, wiped, enrolled anew and revoked agents against the real server."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from tests.e2e.watched import Watched
from tests.fixtures.service import Service, running_service

from vedette.agent.ship import Shipped
from vedette.core import HostId, Label, ManualClock, SystemClock, TenantId
from vedette.queue import SqlQueue

# Its processes run what others trace.
pytestmark = pytest.mark.no_cover

TENANT = TenantId("default")
GROWN = 33


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    more = "[ingest]\nrate = 1000\nburst = 5000\n"
    with running_service(tmp_path_factory.mktemp("service"), more=more) as running:
        yield running


@pytest.fixture
def grown(tmp_path: Path, service: Service) -> Iterator[Watched]:
    """A host that is normal."""
    watched = Watched(tmp_path / "machine-1", service)
    watched.enroll()
    watched.live(GROWN)
    assert watched.verdicts(GROWN)[-1].label is Label.NORMAL
    yield watched
    watched.stop()


def _audited(service: Service, host: HostId) -> list[str]:
    store = service.store()
    try:
        entries = store.audit.find(TENANT, subject=host, limit=500).items
        return [entry.action for entry in entries][::-1]
    finally:
        store.close()


@pytest.mark.parametrize("ahead", [0, 5])
def test_two_machines_with_one_identity_are_both_told_of_and_neither_is_swallowed(
    grown: Watched, ahead: int
) -> None:
    copy = grown.copied("machine-2")
    grown.live(ahead)
    copy.clock.advance(60.0 * ahead + 30.0)
    for _ in range(6):
        grown.live(1)
        copy.live(1)
    verdicts = grown.verdicts(GROWN + ahead + 12)
    epochs = {verdict.epoch for verdict in verdicts}
    assert len(epochs) == 2
    for epoch in epochs:
        # Before the copy came there was one agent, and nothing to tell.
        mine = [v for v in verdicts[GROWN + ahead + 1 :] if v.epoch == epoch]
        assert all(v.reasons[0].subject == "identity" for v in mine[1:])
        assert {v.label for v in mine} == {Label.UNKNOWN}
    assert copy.report().conflicts == 1
    assert "copied or restored" in copy.report().last_error
    assert "copied or restored" in copy.status_error()
    audited = _audited(grown.service, grown.host)
    assert audited.count("snapshot.conflict") == 1
    assert audited.count("host.identity_shared") == 1
    with grown.service.client("viewer") as client:
        host = client.get(f"/v1/hosts/{grown.host}").json()
    assert host["status"] == "unknown"
    assert "Two agents report under this host's identity" in host["status_reason"]
    copy.stop()
    copy.enroll(again=True)
    assert copy.host != grown.host
    grown.live(8)
    assert grown.verdicts(GROWN + ahead + 20)[-1].label is Label.NORMAL


def _forget_identities(service: Service) -> None:
    """As the server does with all that was accepted, once it is older than a week."""
    queue = SqlQueue(
        service.settings.queue_url, ManualClock(SystemClock().now() + timedelta(days=8))
    )
    with closing(queue):
        while queue.prune():
            pass


@pytest.mark.parametrize("forgotten", [False, True])
def test_a_machine_restored_from_an_image_begins_a_new_epoch_and_loses_nothing(
    grown: Watched, *, forgotten: bool
) -> None:
    grown.stop()
    image = grown.folder / "image"
    shutil.copytree(grown.settings.state, image)
    grown.live(5)
    before = {verdict.identity for verdict in grown.verdicts(GROWN + 5)}
    grown.stop()
    if forgotten:
        _forget_identities(grown.service)
    shutil.rmtree(grown.settings.state)
    shutil.copytree(image, grown.settings.state)
    grown.look(2)
    assert grown.ship()[0] is Shipped.RENUMBERED
    grown.live(6)
    after = [v for v in grown.verdicts(GROWN + 5 + 8) if v.identity not in before]
    (epoch,) = {verdict.epoch for verdict in after}
    assert epoch not in {identity.epoch for identity in before}
    assert [verdict.seq for verdict in after] == list(range(1, 9))
    assert after[0].label is Label.UNKNOWN
    assert "epoch" in {reason.subject for reason in after[0].reasons}
    assert not any(r.subject == "identity" for v in after for r in v.reasons)
    assert after[-1].label is Label.NORMAL
    assert _audited(grown.service, grown.host).count("snapshot.conflict") == 1
    assert grown.report().conflicts == 1
    with closing(grown.service.queue()) as queue:
        assert queue.dead_letters(limit=1) == []


def test_what_an_image_holds_sealed_is_counted_and_the_rest_goes_on(grown: Watched) -> None:
    grown.look(2)
    grown.stop()
    image = grown.folder / "image"
    shutil.copytree(grown.settings.state, image)
    for path in sorted((grown.settings.state / "spool").glob("*.sealed"))[1:]:
        path.unlink()
    grown.live(3)
    grown.stop()
    shutil.rmtree(grown.settings.state)
    shutil.copytree(image, grown.settings.state)
    grown.look(2)
    outcomes = grown.ship()
    # The image's first is a repeat; its second was never sent; then this run's own are in conflict.
    assert outcomes == [Shipped.SENT] * 2 + [Shipped.RENUMBERED] + [Shipped.SENT] * 2 + [
        Shipped.IDLE
    ]
    verdicts = grown.verdicts(GROWN + 5 + 2)
    assert len({verdict.epoch for verdict in verdicts}) == 2


def test_a_wiped_machine_is_a_new_host_and_the_former_stays(grown: Watched) -> None:
    former = grown.host
    grown.stop()
    shutil.rmtree(grown.settings.state)
    host = grown.enroll()
    assert host != former
    grown.live(2)
    assert [verdict.seq for verdict in grown.verdicts(2)] == [1, 2]
    assert len(grown.service_verdicts(former, GROWN)) == GROWN
    store = grown.service.store()
    (enrolled,) = store.audit.find(TENANT, subject=host, action="host.enrolled").items
    store.close()
    assert enrolled.data["namesakes"] == [former]


def test_a_machine_that_is_enrolled_anew_leaves_its_former_host(grown: Watched) -> None:
    former = grown.host
    grown.look(2)
    grown.stop()
    host = grown.enroll(again=True)
    assert host != former
    grown.live(2)
    assert len(grown.verdicts(2)) == 2
    with grown.service.client("viewer") as client:
        assert client.get(f"/v1/hosts/{former}").json()["revoked_at"] is None
    assert len(grown.service_verdicts(former, GROWN)) == GROWN


def test_a_revocation_holds_at_once(grown: Watched) -> None:
    service, agent = grown.service, grown.agent
    answers: list[tuple[int, str]] = []

    def poll() -> None:
        answer = agent._doors[1].request("GET", "/v1/commands", query="wait=60", patience=60.0)
        answers.append((answer.status, answer.kind))

    polling = threading.Thread(target=poll)
    polling.start()
    grown.look(3)
    assert agent._shipper.step()[0] is Shipped.SENT
    with service.client("admin") as client:
        path = f"/v1/hosts/{grown.host}/revoke"
        assert client.post(path, json={"reason": "lost"}).status_code in {200, 201}
    outcome, wait = agent._shipper.step()
    assert outcome is Shipped.KEPT
    assert wait >= 150.0
    assert "revoked this host: snapshots stay in the spool" in grown.status_error()
    assert agent._spool.depth == 2
    polling.join(30)
    assert answers == [(403, "revoked-host")]
    assert len(grown.verdicts(GROWN + 1)) == GROWN + 1

"""Sealed evidence at the door: awaited before it is read, bound to who signed, kept once."""

from typing import Any

import pytest
from tests.ingest.world import RING, START, Machine, World

from vedette.core import ActionId, CommandId, HostId, TenantId, digest
from vedette.ingest import IngestSettings
from vedette.seal import BundleHeader, KeyRing, seal_bundle


def bundle(
    machine: Machine, ring: KeyRing = RING, content: bytes = b"tar", **changes: Any
) -> bytes:
    fields: dict[str, Any] = {
        "tenant": TenantId("default"),
        "host": machine.host,
        "action": ActionId("a-1"),
        "command": CommandId("c-1"),
        "kid": ring.current.kid,
        "sealed_at": START,
    }
    return seal_bundle(BundleHeader(**(fields | changes)), content, ring.current.public)


@pytest.fixture
def world() -> World:
    made = World(settings=IngestSettings(max_evidence_bytes=64 * 1024))
    made.evidence.actions[made.machine.host, CommandId("c-1")] = ActionId("a-1")
    return made


def test_what_is_awaited_is_kept_and_again_is_no_second_effect(world: World) -> None:
    sealed = bundle(world.machine)
    with world.client() as client:
        first = world.machine.deliver(client, "c-1", sealed)
        again = world.machine.deliver(client, "c-1", sealed)
    told = {"digest": digest(sealed), "bytes": len(sealed)}
    assert (first.status_code, first.json()) == (201, told | {"duplicate": False})
    assert (again.status_code, again.json()) == (200, told | {"duplicate": True})
    evidence, kept = world.evidence.kept[ActionId("a-1")]
    assert (kept, evidence.host, evidence.kid) == (sealed, world.machine.host, RING.current.kid)


def test_another_bundle_is_refused_and_stands_in_the_audit(world: World) -> None:
    with world.client() as client:
        world.machine.deliver(client, "c-1", bundle(world.machine))
        other = world.machine.deliver(client, "c-1", bundle(world.machine))
    assert (other.status_code, other.json()["type"]) == (409, "/problems/evidence-conflict")
    (entry,) = world.audit.entries
    assert (entry.action, entry.subject) == ("evidence.conflict", "a-1")


def test_what_nobody_awaits_is_refused_before_it_is_read(world: World) -> None:
    with world.client() as client:
        large = world.machine.deliver(client, "c-2", bytes(32 * 1024))
        stranger = world.enrolled("h-2")
        taken = stranger.deliver(client, "c-1", bundle(stranger))
    assert (large.status_code, taken.status_code) == (404, 404)
    assert not world.evidence.kept


@pytest.mark.parametrize(
    ("changes", "status", "kind"),
    [
        ({"host": HostId("h-2")}, 403, "header-mismatch"),
        ({"tenant": TenantId("other")}, 403, "header-mismatch"),
        ({"command": CommandId("c-9")}, 400, "bad-bundle"),
        ({"ring": KeyRing.generate()}, 400, "unknown-key"),
    ],
)
def test_its_header_must_name_who_signed_what_was_asked_and_a_key_that_opens(
    world: World, changes: dict[str, Any], status: int, kind: str
) -> None:
    with world.client() as client:
        answer = world.machine.deliver(client, "c-1", bundle(world.machine, **changes))
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{kind}")
    assert not world.evidence.kept


def test_a_body_that_is_no_bundle_or_too_large_is_refused(world: World) -> None:
    with world.client() as client:
        nonsense = world.machine.deliver(client, "c-1", b"nonsense")
        large = world.machine.deliver(client, "c-1", bundle(world.machine, content=bytes(70_000)))
        media = world.machine.deliver(client, "c-1", bundle(world.machine), media="text/plain")
        # What was refused is not in the way of what is right.
        right = world.machine.deliver(client, "c-1", bundle(world.machine))
    assert right.status_code == 201
    assert (nonsense.status_code, nonsense.json()["type"]) == (400, "/problems/bad-bundle")
    assert (large.status_code, large.json()["max_bytes"]) == (413, 64 * 1024)
    assert (media.status_code, media.json()["type"]) == (400, "/problems/bad-content-type")


def test_only_so_many_are_taken_at_once() -> None:
    world = World(settings=IngestSettings(evidence_at_once=0))
    world.evidence.actions[world.machine.host, CommandId("c-1")] = ActionId("a-1")
    with world.client() as client:
        answer = world.machine.deliver(client, "c-1", bundle(world.machine))
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) >= 1

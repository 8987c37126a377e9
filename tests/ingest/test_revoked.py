"""A key that is revoked while a request is under way."""

import threading
from collections.abc import Collection, Mapping

import pytest
from tests.ingest.served import serving
from tests.ingest.world import ENVELOPE, World

from vedette.ingest.memory import MemorySigner


@pytest.mark.parametrize("path", ["/v1/snapshots", "/v1/commands/c-1/result"])
def test_a_body_that_ends_after_its_key_was_revoked_is_refused(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World()
    body = world.machine.envelope()
    other = world.enrolled("h-2").envelope()
    signed = world.machine.sign("POST", path, body=body) | {"Content-Type": ENVELOPE}
    looked, look = threading.Event(), world.hosts.signers

    def signers(kids: Collection[str], /) -> Mapping[str, MemorySigner]:
        found = look(kids)
        looked.set()
        return found

    monkeypatch.setattr(world.hosts, "signers", signers)
    with (
        serving(world) as served,
        served.send(path, signed, length=len(body), body=body[:9]) as connection,
    ):
        assert looked.wait(30)
        with served.client() as client:
            # Its look began later, so by its answer the first one's answer has come too.
            assert world.enrolled("h-2").push(client, other).status_code == 202
        world.revoke(world.machine)
        connection.sendall(body[9:])
        answer = served.answer(connection)
    assert "403" in answer.splitlines()[0]
    assert "/problems/revoked-host" in answer
    stored = [message.body for batch in world.appender.batches for message in batch]
    assert stored == [other]

"""A real agent in a namespace quarantines itself on the signed verdict that its push brings, and is freed whatever becomes of it."""

import base64
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.agent.server import Seen
from tests.e2e.far import Far

from vedette.core import (
    ActionId,
    ActionState,
    Confirmation,
    Label,
    Ruling,
    Severity,
    SystemClock,
    VerdictId,
    digest,
)
from vedette.seal import read_header, sign_ruling

# Its processes run what others trace.
pytestmark = pytest.mark.no_cover

S = ActionState
FIRST = ActionId("a1")
# Long enough to look around in, even on a busy machine; whoever waits for its end waits so long.
LEASE = 20
OWN = """
wait_for_verdict = 2
[self_quarantine]
enabled = true
min_severity = "high"
lease = 60
"""


class Judged(Far):
    """Once leave is given, every snapshot is abnormal, with leave of one and the same command."""

    def give_leave(
        self,
        name: str = "c1",
        action: ActionId = FIRST,
        given: dict[str, float] | None = None,
        **changes: object,
    ) -> None:
        """By command `name`; when that was first is put into `given`."""

        def signed(seen: Seen) -> str:
            if given is not None:
                given.setdefault(name, SystemClock().now().timestamp())
            return self._signed(seen, name, action, changes)

        self.box.verdict = signed

    def _signed(self, seen: Seen, name: str, action: ActionId, changes: dict[str, object]) -> str:
        header, now = read_header(seen.body), SystemClock().now()
        command = self.enrolled.command(
            name,
            action=action,
            dry_run=False,
            parameters={"lease_seconds": LEASE, "exceptions": []},
            issued_at=now,
            expires_at=now + timedelta(minutes=1),
        )
        fields: dict[str, Any] = {
            "verdict": VerdictId("v"),
            "tenant": header.tenant,
            "host": header.host,
            "epoch": header.epoch,
            "seq": header.seq,
            "digest": digest(seen.body),
            "label": Label.ABNORMAL,
            "severity": Severity.HIGH,
            "score": 1.0,
            "model": "sha256:m",
            "confirmation": Confirmation(abnormal=2, of=2, experts=1),
            "late": False,
            "reasons": ("A new cron job",),
            "signed_at": now,
            "expires_at": now + timedelta(minutes=1),
            "command": command,
        } | changes
        return base64.b64encode(sign_ruling(Ruling(**fields), self.enrolled.commanding)).decode()


@pytest.fixture
def judged(tmp_path: Path) -> Iterator[Judged]:
    with ExitStack() as stack:
        yield Judged(tmp_path, stack, OWN)


def test_an_agent_killed_just_after_it_quarantined_itself_strands_nobody(judged: Judged) -> None:
    with judged.agent() as agent:
        judged.wait(lambda: any(seen.path == "/v1/snapshots" for seen in judged.server.seen))
        assert judged.neighbour.reached()
        judged.give_leave()
        judged.wait(lambda: not judged.neighbour.reached())
        agent.kill()
        agent.wait()
    assert not judged.neighbour.reached()
    judged.wait(judged.neighbour.reached, 90)
    assert judged.neighbour.reaches()
    judged.box.verdict = lambda _: ""
    with judged.agent():
        judged.wait(lambda: judged.rules() == judged.before)
        ended = {S.RELEASED, S.FAILED}
        judged.wait(lambda: any(one.state in ended for one in judged.box.told))
    assert {one.command for one in judged.box.told} == {"c1"}


def test_a_server_that_is_gone_does_not_keep_a_host_in_its_own_quarantine(judged: Judged) -> None:
    with judged.agent():
        judged.give_leave()
        verified = judged.told("c1", S.VERIFIED)
        assert "over a fresh connection" in verified.data["probe"]["server_reached"]
        assert not judged.neighbour.reached()
        judged.server.stop()
        judged.wait(lambda: judged.rules() == judged.before, 90)
        assert judged.neighbour.reached()
        judged.server.start()
        assert judged.told("c1", S.RELEASED).data["restored"] is True
        # What the server took and could not confirm is told again, the very same.
        states = [state for state, _ in {(one.state, one.at) for one in judged.box.told}]
        # The same leave with each further snapshot is answered as before, and is not carried out again.
        assert states.count(S.ACKNOWLEDGED) == 1
        assert states.count(S.APPLIED) == 1


def test_a_verdict_that_does_not_fit_leaves_the_host_as_it_is(judged: Judged) -> None:
    with judged.agent():
        judged.give_leave(confirmation=Confirmation(abnormal=1, of=1, experts=1))
        assert "not confirmed" in judged.told("c1", S.REFUSED).detail
        assert judged.neighbour.reached()
        assert judged.rules() == judged.before

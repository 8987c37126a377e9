"""Many hosts that turn abnormal at once, by real decisions in the real store."""

from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec
from tests.respond.world import START, TENANT, VERDICT

from vedette.core import Host, HostDescription, HostId, Reason, Verdict, verdict_id
from vedette.decide import PolicySet, Situation, decide
from vedette.respond import schemas
from vedette.store import Effect, Store

__all__ = ["POLICIES", "stray_host", "turn_abnormal"]

POLICIES = """
version: 1
policies:
  - {name: tell, on: [opened, raised], mode: auto, then: [{action: mail, with: {to: ["ops@example.com"]}}]}
"""


def stray_host(number: int) -> HostId:
    """A host that was never enrolled."""
    return HostId(f"host-{number:04d}")


def turn_abnormal(
    store: Store,
    first: int,
    last: int,
    text: str = POLICIES,
    *,
    ident: Callable[[int], HostId] = stray_host,
    role: Callable[[int], str] = lambda _: "",
    at: datetime = START,
    seq: int = 1,
) -> None:
    """Hosts of these numbers, each by one verdict with the same cause, and what the policies make of that."""
    policies = PolicySet.parse(text, kinds=schemas())
    effects = [
        _effect(
            _verdict(ident(number), at + timedelta(milliseconds=number), seq),
            number,
            role(number),
            policies,
        )
        for number in range(first, last)
    ]
    store.apply(effects, actor="system:detector")


def _verdict(host: HostId, at: datetime, seq: int) -> Verdict:
    reason = Reason(expert="vitals", subject="cpu", text="CPU use is high", share=1.0)
    given = msgspec.structs.replace(
        VERDICT, host=host, seq=seq, taken_at=at, reasons=(reason,), model="sha256:bad"
    )
    return msgspec.structs.replace(given, id=verdict_id(given.identity))


def _effect(verdict: Verdict, number: int, role: str, policies: PolicySet) -> Effect:
    described = HostDescription(
        id=verdict.host, hostname=f"web-{number}", labels={"role": role} if role else {}
    )
    host = Host(
        tenant=TENANT,
        id=verdict.host,
        hostname=described.hostname,
        labels=described.labels,
        status_since=START,
        interval=60.0,
        enrolled_at=START,
    )
    decision = decide(verdict, Situation(host=host), policies)
    return Effect(
        verdict=verdict,
        description=described,
        incidents=decision.incidents,
        events=decision.events,
        actions=decision.actions,
    )

"""Made-up effects for the store's tests: a small world with one clock."""

from datetime import UTC, datetime, timedelta
from typing import Any

from vedette.core import (
    Action,
    ActionId,
    ActionState,
    Command,
    CommandId,
    Epoch,
    FactChange,
    Host,
    HostDescription,
    HostId,
    Identity,
    Incident,
    IncidentEvent,
    IncidentId,
    IncidentState,
    Label,
    Mode,
    Reason,
    Severity,
    TenantId,
    Verdict,
    VerdictId,
    derived_id,
    verdict_id,
)
from vedette.store import Applied, Effect, Store, StoredState

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
TENANT = TenantId("default")
OTHER = TenantId("other")
HOST = HostId("host-1")
EPOCH = Epoch("epoch-1")
ACTOR = "system:detector"


def minute(number: float) -> datetime:
    """The moment so many minutes after the start."""
    return START + timedelta(minutes=number)


def open_for(store: Store, seconds: float) -> None:
    """The door has been open for so long; nothing else passes."""
    assert store.door.beat("", seconds)


def verdict(
    seq: int,
    label: Label = Label.NORMAL,
    *,
    tenant: TenantId = TENANT,
    host: HostId = HOST,
    epoch: Epoch = EPOCH,
    **more: Any,
) -> Verdict:
    """A verdict on a snapshot taken `seq` minutes after the start and decided a second later."""
    identity = Identity(tenant=tenant, host=host, epoch=epoch, seq=seq)
    reason = Reason(
        expert="inventory", subject="cron:/etc/cron.d/x", text=f"A new cron job ({seq})"
    )
    given: dict[str, Any] = {
        "id": verdict_id(identity),
        "tenant": tenant,
        "host": host,
        "epoch": epoch,
        "seq": seq,
        "taken_at": minute(seq),
        "decided_at": minute(seq) + timedelta(seconds=1),
        "label": label,
        "score": 0.25,
        "severity": Severity.NONE if label is Label.NORMAL else Severity.HIGH,
        "reasons": (reason,),
        "experts": {"vitals": 0.5},
        "model": "sha256:m",
        "input_digest": "sha256:i",
    }
    return Verdict(**(given | more))


def described(host: HostId = HOST, **more: Any) -> HostDescription:
    """What a snapshot says of its host."""
    return HostDescription(**({"id": host, "hostname": f"name-of-{host}"} | more))


def effect(
    seq: int, label: Label = Label.NORMAL, *, expected: StoredState | None = None, **more: Any
) -> Effect:
    """An effect with a new state on top of `expected`."""
    about = {name: more.pop(name) for name in ("tenant", "host", "epoch") if name in more}
    given: dict[str, Any] = {
        "verdict": verdict(seq, label, **about),
        "description": described(about.get("host", HOST)),
        "state": f"state after {seq}".encode(),
        "expected": expected,
    }
    return Effect(**(given | more))


def chain(first: int, last: int, expected: StoredState | None = None, **more: Any) -> list[Effect]:
    """Effects of one host that follow each other."""
    effects = []
    for seq in range(first, last + 1):
        effects.append(effect(seq, expected=expected, **more))
        expected = effects[-1].result
    return effects


def incident(number: int = 1, **more: Any) -> Incident:
    """An open incident of the host."""
    given: dict[str, Any] = {
        "id": IncidentId(derived_id("incident", number)),
        "tenant": TENANT,
        "host": HOST,
        "hostname": "name-of-host-1",
        "state": IncidentState.OPEN,
        "title": "A new cron job",
        "severity": Severity.MEDIUM,
        "causes": ("cron:/etc/cron.d/x",),
        "reasons": (),
        "opened_at": minute(number),
        "first_verdict": VerdictId("v"),
        "last_abnormal_at": minute(number),
    }
    return Incident(**(given | more))


def opened(one: Incident) -> IncidentEvent:
    """The first line of its timeline."""
    return IncidentEvent(
        incident=one.id, at=one.opened_at, kind="opened", actor=ACTOR, text=one.title
    )


def action(number: int = 1, **more: Any) -> Action:
    """A proposed action of the first incident."""
    given: dict[str, Any] = {
        "id": ActionId(derived_id("action", number)),
        "tenant": TENANT,
        "incident": IncidentId(derived_id("incident", 1)),
        "host": HOST,
        "policy": "quarantine-on-high",
        "policy_version": "sha256:p",
        "kind": "quarantine",
        "mode": Mode.APPROVE,
        "dry_run": True,
        "state": ActionState.PROPOSED,
        "parameters": {"allow": ["10.0.0.1"]},
        "lease_seconds": 600.0,
        "proposed_at": minute(number),
        "expires_at": minute(number + 60),
        "updated_at": minute(number),
    }
    return Action(**(given | more))


def command(number: int = 1, **more: Any) -> Command:
    """A command that carries out the first action."""
    given: dict[str, Any] = {
        "id": CommandId(derived_id("command", number)),
        "tenant": TENANT,
        "host": HOST,
        "action": ActionId(derived_id("action", 1)),
        "kind": "quarantine",
        "parameters": {"allow": ["10.0.0.1"]},
        "dry_run": True,
        "issued_at": minute(number),
        "expires_at": minute(number + 10),
        "nonce": f"nonce-{number}",
    }
    return Command(**(given | more))


def appeared(table: str, *facts: str) -> FactChange:
    """Rows that came."""
    return FactChange(table=table, appeared={one: {"name": one} for one in facts}, gone=())


def gone(table: str, *facts: str) -> FactChange:
    """Rows that went."""
    return FactChange(table=table, appeared={}, gone=facts)


def enrol(store: Store, tenant: TenantId = TENANT, host: HostId | None = HOST, **more: Any) -> Host:
    """Makes a host known."""
    given: dict[str, Any] = {
        "description": described(host or HOST),
        "kid": f"kid-{tenant}-{host}",
        "public_key": f"public key of {host}",
        "actor": "user:ada",
        "host": host,
    }
    return store.hosts.enrol(tenant, **(given | more))


def apply(store: Store, *effects: Effect) -> list[Applied]:
    """As the detector does."""
    return store.apply(effects, actor=ACTOR)


def with_action(store: Store, **more: Any) -> Action:
    """Opens an incident that proposes an action, and gives the action."""
    one = incident()
    proposed = action(**more)
    alarm = effect(1, Label.ABNORMAL, incidents=(one,), events=(opened(one),), actions=(proposed,))
    assert apply(store, alarm) == [Applied.APPLIED]
    return proposed

"""Weighs each effect against what is there, gathers what it writes, and writes all of it at once."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from vedette.core import (
    Action,
    AuditEntry,
    Epoch,
    Host,
    HostStatus,
    Incident,
    StandingPolicy,
    TenantId,
    Unavailable,
    Verdict,
)
from vedette.store.applying.fleets import open_fleets
from vedette.store.applying.lives import Lives
from vedette.store.applying.present import Key, Present
from vedette.store.applying.turns import (
    host_turn,
    incident_data,
    incident_turns,
    reason_of,
    stale_reason,
)
from vedette.store.applying.weighing import is_outdated, with_words
from vedette.store.audit import write_audit
from vedette.store.database import Database
from vedette.store.effect import Applied, Effect, StoredState
from vedette.store.notice import Notice
from vedette.store.outbox import post
from vedette.store.proposals import Proposals
from vedette.store.rows import values_of
from vedette.store.schema import (
    HOSTS,
    INCIDENT_EVENTS,
    INCIDENTS,
    STATES,
    TELLINGS,
    VERDICTS,
    to_micros,
)
from vedette.store.standing import answer_turn

__all__ = ["Batch"]


class Batch:
    """Lives for one transaction: `take` each effect in order, then `write` once."""

    def __init__(
        self,
        connection: sa.Connection,
        database: Database,
        effects: Sequence[Effect],
        *,
        actor: str,
        now: datetime,
        policies: StandingPolicy,
    ) -> None:
        self._connection = connection
        self._database = database
        self._actor = actor
        self._now = now
        self._policies = policies
        self._present = Present(connection, database, effects)
        self._marks = dict(self._present.marks)
        self._last_seqs: dict[tuple[Key, Epoch], int] = {}
        self._lost: set[Key] = set()
        self._touched: dict[Key, None] = {}
        self._states: dict[Key, StoredState] = {}
        self._verdicts: list[dict[str, Any]] = []
        self._lives = Lives(database)
        self._incidents: dict[tuple[TenantId, str], Incident] = {}
        self._returned: list[Incident] = []
        self._events: list[dict[str, Any]] = []
        self._told: list[dict[str, Any]] = []
        self._proposals = Proposals(actor, now)
        self._silences: dict[Key, datetime] = {}
        self._notices: list[Notice] = []
        self._audit: list[AuditEntry] = []
        for tenant, host in sorted(self._present.added):
            self._tell(
                tenant, "host.added", host, "first snapshot of a host that was not enrolled", {}
            )

    def take(self, effect: Effect) -> Applied:
        """Notes the effect for writing, unless it is done already or decided on something that is no more."""
        verdict = effect.verdict
        key = (verdict.tenant, verdict.host)
        if self._known(verdict):
            return Applied.DUPLICATE
        if key in self._lost or self._stale(key, effect):
            self._lost.add(key)
            return Applied.LOST
        self._note_verdict(verdict)
        self._note_state(key, effect)
        self._note_host(key, effect)
        if effect.shared:
            self._tell(key[0], "host.identity_shared", key[1], reason_of(verdict), _two_of(verdict))
        for incident in effect.incidents:
            self._note_incident(incident, verdict)
        self._events += [values_of(event, tenant=verdict.tenant) for event in effect.events]
        for action in effect.actions:
            self._note_action(action)
        if effect.told is not None:
            self._told.append(values_of(effect.told, tenant=verdict.tenant))
        return Applied.APPLIED

    def _known(self, verdict: Verdict) -> bool:
        return (verdict.tenant, verdict.id) in self._present.verdicts

    def _stale(self, key: Key, effect: Effect) -> bool:
        if key not in self._present.hosts:
            return True
        if effect.state is not None or effect.expected is not None:
            expected = effect.expected.mark if effect.expected else None
            if self._marks.get(key) != expected:
                return True
        before = ((self._before(key[0], incident), incident) for incident in effect.incidents)
        return any(one is not None and is_outdated(one, incident) for one, incident in before)

    def _before(self, tenant: TenantId, incident: Incident) -> Incident | None:
        key = (tenant, incident.id)
        return self._incidents.get(key) or self._present.incidents.get(key)

    def _note_verdict(self, verdict: Verdict) -> None:
        self._present.verdicts.add((verdict.tenant, verdict.id))
        self._verdicts.append(values_of(verdict))

    def _note_state(self, key: Key, effect: Effect) -> None:
        result = effect.result
        if result is not None and (effect.state is not None or effect.heard is not None):
            self._marks[key] = result.mark
            self._states[key] = result

    def _note_host(self, key: Key, effect: Effect) -> None:
        verdict, row = effect.verdict, self._present.hosts[key]
        if verdict.of is not None:
            # A replayed dead letter came long ago: it is no sign of life.
            return
        self._touched[key] = None
        row["last_seen_at"] = max(row["last_seen_at"] or verdict.decided_at, verdict.decided_at)
        if effect.needed is not None:
            row["needed"] = effect.needed
        if verdict.late or (effect.blind and not self._is_newest(key, verdict)):
            # Nothing of the host now is known by it, so it does not keep silence away.
            self._note_shared(key, verdict)
            return
        row["heard"] = self._present.open_time
        if effect.description is not None:
            row["hostname"] = effect.description.hostname
            row["os"] = effect.description.os
            row["labels"] = effect.description.labels | row["pinned_labels"]
        self._last_seqs[key, verdict.epoch] = row["last_seq"] = verdict.seq
        row["last_taken_at"] = verdict.taken_at
        self._note_standing(key, verdict, stale=effect.stale)
        if row["silent_since"] is not None and not effect.blind:
            self._note_back(key)
        self._note_facts(key, effect)

    def _note_shared(self, key: Key, verdict: Verdict) -> None:
        """Whose state a normal host's is can't be told from the moment that two agents are seen to report as it."""
        told = next((one.text for one in verdict.reasons if one.subject == _SHARED), "")
        row = self._present.hosts[key]
        if told and row["status"] is HostStatus.NORMAL:
            turn = host_turn(row, verdict, HostStatus.UNKNOWN, told)
            self._note_turn(key, turn, told)
            row["status"], row["status_reason"] = HostStatus.UNKNOWN, told
            row["status_since"] = self._now

    def _note_back(self, key: Key) -> None:
        row = self._present.hosts[key]
        self._silences[key] = row["silent_since"]
        row["silent_since"], row["back_at"] = None, self._now
        self._tell(key[0], "host.heard", key[1], "", {"hostname": row["hostname"]})

    def _is_newest(self, key: Key, verdict: Verdict) -> bool:
        """Whether nothing of its epoch was judged at its seq or later. The detector, which tells late ones, never saw it."""
        within = self._last_seqs.get((key, verdict.epoch), -1)
        return verdict.seq > max(within, self._present.last_seq(key, verdict.epoch))

    def _note_standing(self, key: Key, verdict: Verdict, *, stale: bool) -> None:
        row = self._present.hosts[key]
        status, reason, since = (
            HostStatus(verdict.label.value),
            reason_of(verdict),
            verdict.taken_at,
        )
        if stale and status is HostStatus.NORMAL:
            status, reason, since = HostStatus.UNKNOWN, stale_reason(verdict), self._now
        if row["label"] not in {None, verdict.label} or row["status"] is not status:
            self._note_turn(key, host_turn(row, verdict, status, reason), reason)
        if row["status"] is not status:
            row["status_since"] = since
        row["status"], row["status_reason"] = status, reason
        row["label"] = verdict.label

    def _note_turn(self, key: Key, turn: dict[str, Any], reason: str) -> None:
        self._notices.append(
            Notice(kind="host.label", tenant=key[0], subject=key[1], data=turn, at=self._now)
        )
        self._tell(key[0], "host.status", key[1], reason, turn)

    def _note_facts(self, key: Key, effect: Effect) -> None:
        at, row = effect.verdict.taken_at, self._present.hosts[key]
        for change in effect.facts:
            self._lives.change(key, change, at, row["read_at"])
        tables = {*effect.read, *(change.table for change in effect.facts)}
        row["read_at"] = row["read_at"] | dict.fromkeys(sorted(tables), to_micros(at))

    def _note_incident(self, incident: Incident, verdict: Verdict) -> None:
        tenant = verdict.tenant
        before = self._before(tenant, incident)
        if before is not None:
            incident = with_words(before, incident)
            if incident.returns > before.returns:
                self._returned.append(incident)
        self._incidents[tenant, incident.id] = incident
        data = incident_data(incident, verdict)
        for turn in incident_turns(before, incident):
            self._notices.append(
                Notice(kind=turn, tenant=tenant, subject=incident.id, data=data, at=self._now)
            )
            self._tell(tenant, turn, incident.id, incident.title, data)

    def _note_action(self, action: Action) -> None:
        key = (action.tenant, action.id)
        if key in self._present.actions:
            return
        self._present.actions.add(key)
        self._proposals.add(action)

    def _tell(
        self, tenant: TenantId, action: str, subject: str, reason: str, data: dict[str, Any]
    ) -> None:
        self._audit.append(
            AuditEntry(
                tenant=tenant,
                at=self._now,
                actor=self._actor,
                action=action,
                subject=subject,
                reason=reason,
                data=data,
            )
        )

    def write(self) -> None:
        """A fixed number of statements, however many effects there are.

        Raises:
            Unavailable: a host's state moved although it was locked; nothing is kept.
        """
        self._write_hosts()
        self._write_states()
        self._insert(VERDICTS, self._verdicts)
        self._lives.write(self._connection)
        self._write_incidents()
        self._insert(INCIDENT_EVENTS, self._events)
        open_fleets(self._connection, self._returned, actor=self._actor, now=self._now)
        self._insert(TELLINGS, self._told)
        self._proposals.write(self._connection)
        post(self._connection, self._notices)
        write_audit(self._connection, self._audit)
        self._answer_those_back()

    def _answer_those_back(self) -> None:
        if not self._silences:
            return
        hosts = [
            Host(**{name: self._present.hosts[key][name] for name in Host.__struct_fields__})
            for key in sorted(self._silences)
        ]
        turned = [
            msgspec.structs.replace(host, silent_since=self._silences[host.tenant, host.id])
            for host in hosts
        ]
        answer_turn(
            self._connection, "heard", turned, self._policies, actor=self._actor, now=self._now
        )

    def _insert(self, table: sa.Table, rows: list[dict[str, Any]]) -> None:
        if rows:
            self._connection.execute(sa.insert(table), rows)

    def _write_hosts(self) -> None:
        rows = [
            {f"b_{name}": self._present.hosts[key][name] for name in ("tenant", "id", *_MOVING)}
            for key in self._touched
        ]
        if rows:
            self._connection.execute(_MOVE_HOST, rows)

    def _write_states(self) -> None:
        new, moved = [], []
        for key, state in self._states.items():
            row = {"tenant": key[0], "host": key[1]} | values_of(state)
            mark = self._present.marks.get(key)
            if mark is None:
                new.append(row)
            else:
                was = dict(zip(("was_epoch", "was_seq", "was_version"), mark, strict=True))
                moved.append({f"b_{name}": value for name, value in (row | was).items()})
        self._insert(STATES, new)
        if moved and self._connection.execute(_MOVE_STATE, moved).rowcount != len(moved):
            raise Unavailable("a host's state moved while its row was locked; nothing was kept")

    def _write_incidents(self) -> None:
        if not self._incidents:
            return
        insert = self._database.insert(INCIDENTS)
        changing = [c.name for c in INCIDENTS.c if not c.primary_key]
        self._connection.execute(
            insert.on_conflict_do_update(
                index_elements=["tenant", "id"],
                set_={name: insert.excluded[name] for name in changing},
            ),
            [values_of(one) for one in self._incidents.values()],
        )


def _two_of(verdict: Verdict) -> dict[str, Any]:
    return {"epoch": verdict.epoch, "seq": verdict.seq, "verdict": verdict.id}


_SHARED = "identity"  # the detector's subject of a reason
_MOVING = (
    "hostname",
    "labels",
    "os",
    "status",
    "status_since",
    "status_reason",
    "label",
    "last_seen_at",
    "last_taken_at",
    "last_seq",
    "read_at",
    "needed",
    "heard",
    "silent_since",
    "back_at",
)
_MOVE_HOST = (
    sa.update(HOSTS)
    .where(HOSTS.c.tenant == sa.bindparam("b_tenant"), HOSTS.c.id == sa.bindparam("b_id"))
    .values({name: sa.bindparam(f"b_{name}", type_=HOSTS.c[name].type) for name in _MOVING})
)
_MOVE_STATE = (
    sa.update(STATES)
    .where(
        STATES.c.tenant == sa.bindparam("b_tenant"),
        STATES.c.host == sa.bindparam("b_host"),
        STATES.c.epoch == sa.bindparam("b_was_epoch"),
        STATES.c.last_seq == sa.bindparam("b_was_seq"),
        STATES.c.version == sa.bindparam("b_was_version"),
    )
    .values(
        {
            name: sa.bindparam(f"b_{name}", type_=STATES.c[name].type)
            for name in StoredState.__struct_fields__
        }
    )
)

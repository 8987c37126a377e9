"""What is told of hosts that fell silent or were heard again, within the transaction that makes it so."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

import sqlalchemy as sa

from vedette.core import Answer, AuditEntry, Host, HostId, StandingPolicy, TenantId, Turn
from vedette.store.audit import write_audit
from vedette.store.proposals import Proposals
from vedette.store.schema import ACTIONS, HOSTS

__all__ = ["answer_turn", "no_policies"]

_WINDOW = timedelta(minutes=10)
_TURNED_AT = {"silent": HOSTS.c.silent_since, "heard": HOSTS.c.back_at}


def no_policies(_turn: Turn) -> Answer:
    """Answers nothing."""
    return Answer()


def answer_turn(
    connection: sa.Connection,
    trigger: Literal["silent", "heard"],
    hosts: Sequence[Host],
    policies: StandingPolicy,
    *,
    actor: str,
    now: datetime,
) -> None:
    """Asks the policies, by tenant, and writes what they answer. The hosts' rows are written already."""
    proposals = Proposals(actor, now)
    for tenant in sorted({host.tenant for host in hosts}):
        ours = tuple(host for host in hosts if host.tenant == tenant)
        answer = policies(_turn(connection, tenant, trigger, ours, now))
        for action in answer.actions:
            proposals.add(action)
        write_audit(
            connection,
            [
                AuditEntry(
                    tenant=tenant,
                    at=now,
                    actor=actor,
                    action="policy.held",
                    subject=host,
                    reason=why,
                    data={"trigger": trigger},
                )
                for host, why in answer.held
            ],
        )
    proposals.write(connection)


def _turn(
    connection: sa.Connection,
    tenant: TenantId,
    trigger: Literal["silent", "heard"],
    hosts: tuple[Host, ...],
    now: datetime,
) -> Turn:
    watched = sa.select(sa.func.count()).where(
        HOSTS.c.tenant == tenant, HOSTS.c.revoked_at.is_(None)
    )
    recent = watched.where(_TURNED_AT[trigger] > now - _WINDOW)
    return Turn(
        tenant=tenant,
        trigger=trigger,
        at=now,
        hosts=hosts,
        recent=connection.execute(recent).scalar_one(),
        fleet=connection.execute(watched).scalar_one(),
        told=_told(connection, tenant, trigger, now - _WINDOW),
        last=_last(connection, tenant, trigger, [host.id for host in hosts]),
    )


def _told(
    connection: sa.Connection, tenant: TenantId, trigger: str, since: datetime
) -> dict[str, int]:
    query = sa.select(ACTIONS.c.policy, ACTIONS.c.about).where(
        ACTIONS.c.tenant == tenant,
        ACTIONS.c.host.is_(None),
        ACTIONS.c.proposed_at > since,
        ACTIONS.c.trigger == trigger,
    )
    told: dict[str, int] = {}
    for row in connection.execute(query):
        told[row.policy] = max(told.get(row.policy, 0), row.about.count if row.about else 0)
    return told


def _last(
    connection: sa.Connection, tenant: TenantId, trigger: str, hosts: Sequence[HostId]
) -> dict[tuple[HostId, str], datetime]:
    found: dict[tuple[HostId, str], datetime] = {}
    for start in range(0, len(hosts), 1_000):
        query = (
            sa.select(ACTIONS.c.host, ACTIONS.c.policy, sa.func.max(ACTIONS.c.proposed_at))
            .where(
                ACTIONS.c.tenant == tenant,
                ACTIONS.c.host.in_(hosts[start : start + 1_000]),
                ACTIONS.c.trigger == trigger,
            )
            .group_by(ACTIONS.c.host, ACTIONS.c.policy)
        )
        for host, policy, at in connection.execute(query):
            found[HostId(host), policy] = at
    return found

"""A responder with escalations over the real store, that can be made to die at any of its writes."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import msgspec
import sqlalchemy as sa
from tests.fixtures.migrated import migrated
from tests.respond.world import HOST, INCIDENT, START, TENANT, VERDICT, action

from vedette.core import (
    Action,
    Escalation,
    HostDescription,
    IncidentEvent,
    ManualClock,
    TenantId,
    verdict_id,
)
from vedette.decide import OnCall, PolicySet, answer_own, escalate, gather
from vedette.respond import Escalate, Mail, MailServer, Registry, Responder, schemas
from vedette.store import Effect, Store

__all__ = ["Crash", "House", "fill", "oncall", "start"]

TEXT = """
version: 1
people:
  ana: {reach: {mail: {to: [ana@example.com]}}}
  ben: {reach: {mail: {to: [ben@example.com]}}}
  eva: {reach: {mail: {to: [eva@example.com]}}}
schedules:
  primary:
    zone: Europe/Vienna
    rotations: [{people: [ana, eva], every: 4 weeks, at: 09:00, from: 2026-02-16}]
chains:
  ops:
    tiers:
      - {tell: [primary], by: [mail], wait: 2m, times: 2}
      - {tell: [primary, ben], by: [mail], wait: 2m}
    then: managers
  managers:
    tiers: [{tell: [eva], by: [mail], wait: 2m}]
"""


class Crash(BaseException):
    """The process dies here."""


def oncall(text: str = TEXT) -> OnCall:
    return OnCall.parse(text, kinds=schemas())


def start(chain: str = "ops", number: int = 1, **changes: Any) -> Action:
    return action(number, kind="escalate", parameters={"chain": chain}, **changes)


def fill(file: Path) -> None:
    """A store with one open incident, and an action that starts its escalation."""
    made = Store(migrated(file), ManualClock(START))
    opened = IncidentEvent(
        incident=INCIDENT.id, at=START, kind="opened", actor="system:decide", text="opened"
    )
    verdict = msgspec.structs.replace(VERDICT, id=verdict_id(VERDICT.identity))
    made.apply(
        [
            Effect(
                verdict=verdict,
                description=HostDescription(id=HOST, hostname="web-1"),
                incidents=(INCIDENT,),
                events=(opened,),
                actions=(start(),),
            )
        ],
        actor="system:test",
    )
    made.close()


class House:
    """`writes` counts transactions; at number `die_at` the process dies, before or after it is on disk."""

    def __init__(self, file: Path, server: MailServer, now: datetime = START) -> None:
        self.clock = ManualClock(now)
        self.writes = 0
        self.die_at = 0
        self.die: Literal["before", "after"] = "before"
        self.oncall = oncall()
        self._url = f"sqlite:///{file}"
        self._server = server
        self.restart()

    def restart(self) -> None:
        """Another process on the same file."""
        self.store = Store(self._url, self.clock)
        self._inner = self.store._database.writing
        self.store._database.writing = self._writing  # type: ignore[method-assign] # the one place where rows become durable
        self.responder = self._responder()

    def run(self, seconds: int, *, each: int = 60) -> int:
        """Lives on, through deaths; how often it died."""
        deaths = 0
        for _ in range(0, seconds, each):
            deaths += self.look()
            self.clock.advance(each)
        return deaths

    def look(self) -> int:
        """Until there is nothing more to do; how often it died."""
        deaths = 0
        while True:
            try:
                while self.responder.tick():
                    pass
            except Crash:
                deaths += 1
                self.store.close()
                self.restart()
                continue
            return deaths

    def perish(self) -> None:
        """How it dies."""
        raise Crash

    def runs(self) -> list[Escalation]:
        return list(self.store.escalations.find(TENANT).items)

    def timeline(self, kind: str) -> list[str]:
        return [e.text for e in self.store.incidents.events(TENANT, INCIDENT.id) if e.kind == kind]

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        self.writes += 1
        dies = self.writes == self.die_at
        with self._inner() as connection:
            yield connection
            if dies and self.die == "before":
                self.perish()
        if dies:
            self.perish()

    def _responder(self) -> Responder:
        store = self.store
        kinds = Registry(
            [
                Mail(self._server),
                Escalate(store.escalations, lambda _: self.oncall.chains),
            ]
        )
        policies = PolicySet.default(kinds=schemas())

        def own(tenant: TenantId, incident: Any) -> int:
            return store.incidents.answer(
                tenant, incident, lambda one: answer_own(one, policies, self.clock.now())
            )

        return Responder(
            store,
            kinds,
            self.clock,
            gather=lambda: store.incidents.gather(gather),
            escalate=lambda: store.escalations.sweep(lambda case: escalate(case, self.oncall)),
            answer_own=own,
        )

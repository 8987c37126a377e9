"""A measure under a lease: begun, renewed and released by command, and tended in between.

The order of steps is what makes it safe to be killed between any two of them: the lease is durable before the host is
changed; the dead man's switch is short until the self test has passed; the end is durable as asked for before it is made.
"""

from typing import Any

import msgspec

from vedette.agent.actions.holding import Holding, digest, meanwhile, without
from vedette.agent.actions.kind import (
    CannotDo,
    Declined,
    Gone,
    Measure,
    Nothing,
    Plan,
    answered,
    parameters_of,
    simulated,
)
from vedette.agent.actions.scene import Check, Outcome, Scene
from vedette.agent.lease import Lease
from vedette.agent.ledger import Ledger
from vedette.core import ActionState, Command, Verb

__all__ = ["Leased"]

# The switch until the self test has passed: an agent that dies in it strands nobody for longer.
_TRIAL_SECONDS = 60.0
_CONSOLE_PATIENCE = 10.0
_LONGEST_TEXT = 256 * 1024
_NOTHING = "nothing is in force for this action"
_STOPPED = "the agent was stopped while carrying it out"
S = ActionState


class _Parameters(msgspec.Struct, frozen=True):
    lease_seconds: float = 0.0


class Leased:
    """See `Kind`. One lease of the kind is in force at a time."""

    verbs = frozenset({Verb.APPLY, Verb.RENEW, Verb.RELEASE})
    disruptive = True

    def __init__(self, measure: Measure) -> None:
        self._measure = measure
        self._holding = Holding(measure)

    @property
    def name(self) -> str:
        """The measure's."""
        return self._measure.name

    @property
    def by_default(self) -> bool:
        """The measure's."""
        return self._measure.by_default

    def carry_out(self, command: Command, scene: Scene, ledger: Ledger) -> Outcome:
        """Apply (also as a dry run), renew or release."""
        return answered(lambda: self._obey(command, scene, ledger))

    def _obey(self, command: Command, scene: Scene, ledger: Ledger) -> Outcome:
        if command.verb is Verb.RELEASE:
            return self._release(command, scene, ledger)
        seconds = parameters_of(command, _Parameters).lease_seconds
        if command.verb is Verb.RENEW:
            return self._renew(command, seconds, scene, ledger)
        plan = self._measure.plan(command, scene)
        if command.dry_run:
            return self._simulated(plan, seconds, scene)
        return self._apply(command, plan, seconds, scene, ledger)

    def own_up(self, command: Command, scene: Scene, ledger: Ledger) -> Outcome | None:
        """See `Kind`. An apply that was stopped is taken back by the first look, so nothing is to be said of it here."""
        if command.verb is Verb.APPLY:
            return None
        try:
            return self._come_of(command, scene, ledger)
        except Nothing as error:
            return Outcome(state=S.REFUSED, detail=error.detail, data=error.data)
        except (CannotDo, Declined) as error:
            return Outcome(state=S.FAILED, detail=f"{_STOPPED}: {error.detail}")

    def _come_of(self, command: Command, scene: Scene, ledger: Ledger) -> Outcome:
        with ledger.locked() as alone:
            if not alone:
                raise CannotDo("another process of this host is at work on leases")
            lease = self._mine(command, ledger)
            if lease is None:
                raise self._without(scene)
            if command.verb is Verb.RELEASE or lease.closing is not None or ledger.left(lease) <= 0:
                until = ledger.until(lease)
                words = f"{_STOPPED}; it is not taken away yet, and ends by itself at {until}"
                # A switch that was set for a renewal may be later than the book.
                told = {} if command.verb is Verb.RENEW else {"until": until}
                return Outcome(state=S.FAILED, detail=words, data=told)
            try:
                lease = self._holding.hold(lease, scene, ledger)
            except (Gone, Declined) as error:
                return self._holding.end(lease, error.detail, scene, ledger)
            if lease.renewed == command.id:
                # Its self test had passed before its end was moved.
                check = self._holding.in_force(lease, scene)
                if check.ok:
                    return _verified(lease, (check,), ledger, meanwhile(lease))
                raise CannotDo(check.detail)
            # The switch may have been set to the new end already: what the book says is to be true of both.
            self._measure.extend(lease.plan, ledger.left(lease), scene)
            return _not_renewed(lease, "the agent was stopped before that", ledger)

    def tend(self, scene: Scene, ledger: Ledger, *, first: bool) -> None:
        """Holds what is valid, ends what is not, and clears away what is over."""
        if not (first or self._holding.stray) and ledger.held(self.name) is None:
            return
        with ledger.locked():
            lease = ledger.held(self.name)
            if lease is None:
                self._holding.clear_strays(scene)
            elif lease.closing is not None or (first and ledger.interrupted(lease.command)):
                self._holding.complete(lease, scene, ledger)
            elif ledger.left(lease) <= 0:
                why = "its lease ran out and was not renewed"
                self._holding.end(lease, why, scene, ledger)
            else:
                self._hold(lease, scene, ledger)

    def _hold(self, lease: Lease, scene: Scene, ledger: Ledger) -> None:
        try:
            self._holding.hold(lease, scene, ledger)
        except (Gone, Declined) as error:
            self._holding.end(lease, error.detail, scene, ledger)

    def let_go(self, scene: Scene, ledger: Ledger, why: str) -> Outcome | None:
        """Ends the lease, or what is there without one. Raises CannotDo."""
        with ledger.locked(_CONSOLE_PATIENCE):
            if lease := ledger.held(self.name):
                return self._holding.end(lease, why, scene, ledger)
            if self._measure.stray(scene) is None:
                return None
            self._measure.undo(None, scene)
            return Outcome(state=S.RELEASED, detail=f"{why}; the journal knew of no lease")

    def _simulated(self, plan: Plan, seconds: float, scene: Scene) -> Outcome:
        forbidden = scene.permission.forbids(self.name, by_default=self.by_default)
        too_long = scene.permission.objects_to_lease(seconds) if seconds else ""
        return simulated(plan, forbidden or too_long)

    def _apply(
        self, command: Command, plan: Plan, seconds: float, scene: Scene, ledger: Ledger
    ) -> Outcome:
        if objection := scene.permission.objects_to_lease(seconds):
            raise Declined(objection)
        if failed := _failed(plan.checks):
            raise Declined(
                f"not applied, checks failed: {failed}", checks=msgspec.to_builtins(plan.checks)
            )
        with ledger.locked() as alone:
            self._check_free(ledger, alone=alone)
            if self._measure.stray(scene) is not None:
                self._measure.undo(None, scene)
            lease = ledger.keep(self._lease(command, plan, seconds, scene, ledger))
            try:
                return self._begin(lease, plan, seconds, scene, ledger)
            except BaseException:
                self._holding.take_back(lease, scene, ledger)
                raise

    def _check_free(self, ledger: Ledger, *, alone: bool) -> None:
        if not alone:
            raise CannotDo("another process of this host is at work on leases")
        if held := ledger.held(self.name):
            raise Declined(
                f"{self.name} is in force already, by action {held.action} until {ledger.until(held)}; there is one at a "
                "time: release that first",
                in_force=held.action,
            )

    def _lease(
        self, command: Command, plan: Plan, seconds: float, scene: Scene, ledger: Ledger
    ) -> Lease:
        former = self._measure.former(scene)
        return msgspec.structs.replace(
            Lease.begun(command, plan.data, seconds, ledger.moment),
            before=digest(former),
            former=former if len(former) <= _LONGEST_TEXT else "",
        )

    def _begin(
        self, lease: Lease, plan: Plan, seconds: float, scene: Scene, ledger: Ledger
    ) -> Outcome:
        told = {"plan": plan.text, "before": lease.before, "would": plan.would}
        try:
            mark = self._measure.put(plan.data, min(seconds, _TRIAL_SECONDS), scene)
            lease = ledger.keep(msgspec.structs.replace(lease, mark=mark))
            words = f"applied for {seconds:g} seconds; the self test follows"
            ledger.say(ledger.result(lease.command, S.APPLIED, words, told))
            checks = self._holding.probe(lease, scene)
            if not _failed(checks):
                lease = ledger.keep(lease.lasting(seconds, ledger.moment))
                self._measure.extend(plan.data, seconds, scene)
        except CannotDo as error:
            checks = (Check(name="carried_out", ok=False, detail=error.detail),)
        if not (failed := _failed(checks)):
            return _verified(lease, checks, ledger, told)
        gone = self._holding.take_back(lease, scene, ledger)
        after = "taken back" if gone else "it could not be taken back, and ends by itself"
        return Outcome(
            state=S.FAILED,
            detail=f"the self test failed, {after}: {failed}",
            data=told | {"checks": msgspec.to_builtins(checks), "rolled_back": gone},
        )

    def _renew(self, command: Command, seconds: float, scene: Scene, ledger: Ledger) -> Outcome:
        objection = scene.permission.forbids(self.name, by_default=self.by_default)
        with ledger.locked() as alone:
            if not alone:
                raise CannotDo("not renewed: another process of this host is at work on leases")
            lease = self._mine(command, ledger)
            if lease is None:
                raise self._without(scene)
            if lease.closing is not None or ledger.left(lease) <= 0:
                raise Declined("its lease is over, and is being taken away")
            if objection := objection or scene.permission.objects_to_lease(seconds):
                raise Declined(objection)
            try:
                lease = self._holding.narrowed(lease, scene, ledger)
                lease = self._holding.hold(lease, scene, ledger)
                checks = self._holding.probe(lease, scene)
            except (Gone, Declined) as error:
                return self._holding.end(lease, error.detail, scene, ledger)
            except CannotDo as error:
                return _not_renewed(lease, error.detail, ledger)
            if failed := _failed(checks):
                return _not_renewed(lease, failed, ledger, checks=msgspec.to_builtins(checks))
            self._measure.extend(lease.plan, seconds, scene)
            lease = lease.lasting(seconds, ledger.moment)
            lease = ledger.keep(msgspec.structs.replace(lease, renewed=command.id))
            return _verified(lease, checks, ledger, meanwhile(lease))

    def _release(self, command: Command, scene: Scene, ledger: Ledger) -> Outcome:
        with ledger.locked():
            if lease := self._mine(command, ledger):
                return self._holding.close(ledger.closing(lease, command.id), scene, ledger)
            if self._measure.stray(scene) is None:
                raise self._without(scene)
            self._measure.undo(None, scene)
            return Outcome(
                state=S.RELEASED,
                detail="taken away; this host's journal knew of no lease, so what stood before is not known",
                data={"restored": False},
            )

    def _without(self, scene: Scene) -> Declined:
        """What is said where the journal has no lease."""
        if self._measure.stray(scene) is None:
            return Nothing(f"{_NOTHING}: no {self.name} is on this host")
        return Declined(
            f"this host's journal knows of no lease; the {self.name} that is there ends by itself"
        )

    def _mine(self, command: Command, ledger: Ledger) -> Lease | None:
        """The lease of the command's action; None where there is none at all."""
        lease = ledger.held(self.name)
        if lease is not None and lease.action != command.action:
            raise Nothing(f"{_NOTHING}; {self.name} is, by action {lease.action}")
        return lease


def _verified(
    lease: Lease, checks: tuple[Check, ...], ledger: Ledger, more: dict[str, Any]
) -> Outcome:
    until = ledger.until(lease)
    return Outcome(
        state=S.VERIFIED,
        detail=f"in force until {until} unless renewed{without(lease)}",
        data=more | {"probe": {one.name: one.detail for one in checks}, "until": until},
    )


def _not_renewed(lease: Lease, why: str, ledger: Ledger, **more: Any) -> Outcome:
    """Nothing had moved its end. The server takes that for certain by `until` alone."""
    return Outcome(
        state=S.FAILED,
        detail=f"not renewed, its lease ends as before: {why}{without(lease)}",
        data=more | {"until": ledger.until(lease)},
    )


def _failed(checks: tuple[Check, ...]) -> str:
    return "; ".join(f"{check.name}: {check.detail}" for check in checks if not check.ok)

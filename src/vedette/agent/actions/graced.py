"""What can't be undone: begun with a grace in which it can be called off, looked for afterwards, and told only as seen.

It is written down before it is begun, so that an agent that was stopped in between says so after its next start. What is
on its way lies in the ledger beside the leases, one of a kind at a time.
"""

from typing import Any

import msgspec

from vedette.agent.actions.kind import CannotDo, Declined, Deed, Nothing, Plan, answered, simulated
from vedette.agent.actions.scene import Check, Outcome, Scene
from vedette.agent.lease import Lease
from vedette.agent.ledger import Ledger
from vedette.core import ActionState, Command, Verb

__all__ = ["Graced"]

_CONSOLE_PATIENCE = 10.0
_FINISHED = "finished"
S = ActionState


class Graced:
    """See `Kind`."""

    verbs = frozenset({Verb.APPLY, Verb.CANCEL})
    disruptive = True

    def __init__(self, deed: Deed) -> None:
        self._deed = deed

    @property
    def name(self) -> str:
        """The deed's."""
        return self._deed.name

    @property
    def by_default(self) -> bool:
        """Never: a host that did not say so is not asked for what can't be undone."""
        return False

    def carry_out(self, command: Command, scene: Scene, ledger: Ledger) -> Outcome:
        """Apply (also as a dry run) or cancel."""
        return answered(lambda: self._obey(command, scene, ledger))

    def _obey(self, command: Command, scene: Scene, ledger: Ledger) -> Outcome:
        if command.verb is Verb.CANCEL:
            return self._cancel(command, scene, ledger)
        plan = self._deed.plan(command, scene)
        if command.dry_run:
            return self._simulated(plan, scene)
        return self._apply(command, plan, scene, ledger)

    def own_up(self, command: Command, scene: Scene, ledger: Ledger) -> Outcome | None:
        """Nothing: what is on its way is told by `tend`, a cancel too."""
        del command, scene, ledger
        return None

    def tend(self, scene: Scene, ledger: Ledger, *, first: bool) -> None:
        """Goes on with what is on its way, and says what it came to."""
        if ledger.held(self.name) is None:
            return
        with ledger.locked():
            lease = ledger.held(self.name)
            if lease is None:
                return
            if lease.closing is not None:
                self._complete(lease, scene, ledger)
            elif first and ledger.interrupted(lease.command):
                self._own_up(lease, scene, ledger)
            else:
                self._go_on(lease, scene, ledger)

    def let_go(self, scene: Scene, ledger: Ledger, why: str) -> Outcome | None:
        """Calls off what is on its way. Raises CannotDo."""
        with ledger.locked(_CONSOLE_PATIENCE):
            lease = ledger.held(self.name)
            if lease is None:
                return None
            try:
                words = self._deed.call_off(lease.plan, scene)
            except Declined as error:
                raise CannotDo(error.detail) from error
            outcome = Outcome(state=S.CANCELLED, detail=f"{why}; {words}")
            ledger.end(lease, ledger.result(lease.command, outcome.state, outcome.detail, {}))
            return outcome

    def _simulated(self, plan: Plan, scene: Scene) -> Outcome:
        return simulated(plan, scene.permission.forbids(self.name, by_default=self.by_default))

    def _apply(self, command: Command, plan: Plan, scene: Scene, ledger: Ledger) -> Outcome:
        failed = [f"{check.name}: {check.detail}" for check in plan.checks if not check.ok]
        if failed:
            raise Declined(
                f"not begun, checks failed: {'; '.join(failed)}",
                checks=msgspec.to_builtins(plan.checks),
            )
        with ledger.locked() as alone:
            if not alone:
                raise CannotDo("another process of this host is at work on actions")
            if held := ledger.held(self.name):
                raise Declined(
                    f"{self.name} is on its way already, by action {held.action}; there is one at a time",
                    in_force=held.action,
                )
            lease = ledger.keep(
                Lease.begun(command, plan.data, self._deed.grace(plan.data), ledger.moment)
            )
            try:
                words = self._deed.begin(plan.data, scene)
            except BaseException:
                ledger.end(lease)
                raise
            return Outcome(
                state=S.APPLIED,
                detail=words,
                data={"plan": plan.text, "would": plan.would, "at": ledger.until(lease)},
            )

    def _cancel(self, command: Command, scene: Scene, ledger: Ledger) -> Outcome:
        with ledger.locked():
            lease = ledger.held(self.name)
            if lease is None or lease.action != command.action:
                raise Nothing("nothing of this action is on its way: it is over, or never began")
            lease = ledger.closing(lease, command.id)
            try:
                words = self._deed.call_off(lease.plan, scene)
            except (Declined, CannotDo):
                ledger.keep(msgspec.structs.replace(lease, closing=None))
                raise
            # Told before it is out of the book: once that is, nothing shows that it was called off.
            ledger.finish(ledger.result(command.id, S.CANCELLED, words, {}))
            ledger.end(lease)
            return Outcome(state=S.CANCELLED, detail=words)

    def _complete(self, lease: Lease, scene: Scene, ledger: Ledger) -> None:
        """A cancel that the agent was stopped in."""
        if lease.closing is None:
            return
        try:
            words = self._deed.call_off(lease.plan, scene)
        except Declined as error:
            ledger.finish(ledger.result(lease.closing, S.REFUSED, error.detail, {}))
            ledger.keep(msgspec.structs.replace(lease, closing=None))
            return
        ledger.finish(ledger.result(lease.closing, S.CANCELLED, words, {}))
        ledger.end(lease)

    def _own_up(self, lease: Lease, scene: Scene, ledger: Ledger) -> None:
        """An apply that the agent was stopped in: where its effect is there it is told so, else it is called off."""
        check = self._seen(lease, scene, ledger)
        if check is None:
            self._deed.call_off(lease.plan, scene)
        else:
            ledger.finish(ledger.result(lease.command, *_verified(check)))
        ledger.end(lease)

    def _go_on(self, lease: Lease, scene: Scene, ledger: Ledger) -> None:
        if check := self._seen(lease, scene, ledger):
            ledger.end(lease, ledger.result(lease.command, *_verified(check)))
            return
        left = ledger.left(lease)
        if left > 0:
            return
        if left < -self._deed.patience:
            words = f"its effect was not seen {self._deed.patience:.0f} seconds after its grace"
            ledger.end(lease, ledger.result(lease.command, S.FAILED, words, {}))
        elif lease.mark != _FINISHED:
            self._finish(lease, scene, ledger)

    def _finish(self, lease: Lease, scene: Scene, ledger: Ledger) -> None:
        try:
            self._deed.finish(lease.plan, scene)
        except Declined as error:
            words = f"begun, and the rest is refused: {error.detail}"
            ledger.end(lease, ledger.result(lease.command, S.FAILED, words, {}))
            return
        ledger.keep(msgspec.structs.replace(lease, mark=_FINISHED))

    def _seen(self, lease: Lease, scene: Scene, ledger: Ledger) -> Check | None:
        return self._deed.seen(lease.plan, scene, rebooted=lease.boot != ledger.moment.boot)


def _verified(check: Check) -> tuple[ActionState, str, dict[str, Any]]:
    return S.VERIFIED, check.detail, {"probe": {check.name: check.detail}}

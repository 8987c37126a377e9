"""What becomes of a lease without a command: held while it is valid, put back where it is gone, ended when it is over."""

import hashlib
from typing import Any

import msgspec
import structlog

from vedette.agent.actions.compare import changes
from vedette.agent.actions.kind import CannotDo, Declined, Measure
from vedette.agent.actions.scene import Check, Outcome, Scene
from vedette.agent.lease import Lease
from vedette.agent.ledger import Ledger
from vedette.core import ActionState

__all__ = ["Holding", "digest", "meanwhile", "without"]

_log = structlog.get_logger()
# How exactly a lease is known after a reboot: so many seconds may be given twice.
_NOTE_SECONDS = 15.0
_MOST_TOLD = 20
# What becomes another in just that moment is looked at again so often.
_TRIES = 8
S = ActionState


class Holding:
    """A measure and its leases. The caller holds the ledger's lock."""

    def __init__(self, measure: Measure) -> None:
        self._measure = measure
        self.stray = False

    def hold(self, lease: Lease, scene: Scene, ledger: Ledger) -> Lease:
        """Notes how much is left; puts it back after a reboot, or when somebody flushed the rules.

        Raises:
            CannotDo: it can't be put back now.
            Declined: all that it held is another by now.
        """
        at = ledger.moment
        if lease.mark and self._measure.stands(lease.mark, scene):
            if lease.boot == at.boot and abs(lease.left - lease.left_at(at)) < _NOTE_SECONDS:
                return lease
            return ledger.keep(lease.noted(at))
        lease, mark = self._put_again(ledger.keep(lease.noted(at)), scene, ledger)
        times = (*lease.put_back, at.wall)[-_MOST_TOLD:]
        _log.warning("leases.put_back", kind=lease.kind, action=lease.action, seconds=lease.left)
        return ledger.keep(msgspec.structs.replace(lease, mark=mark, put_back=times))

    def narrowed(self, lease: Lease, scene: Scene, ledger: Ledger) -> Lease:
        """Leaves out what is another by now. Raises CannotDo, and Declined when nothing is left."""
        plan, others = self._measure.still_meant(lease.plan, scene)
        if not others:
            return lease
        _log.warning("leases.left_out", kind=lease.kind, action=lease.action, what=others)
        told = (*lease.left_out, *others)
        return ledger.keep(msgspec.structs.replace(lease, plan=plan, left_out=told))

    def _put_again(self, lease: Lease, scene: Scene, ledger: Ledger) -> tuple[Lease, str]:
        problem = ""
        for _ in range(_TRIES):
            lease = self.narrowed(lease, scene, ledger)
            try:
                return lease, self._measure.put(lease.plan, lease.left, scene)
            except Declined as error:
                problem = error.detail
        raise CannotDo(f"not put back: {problem}")

    def probe(self, lease: Lease, scene: Scene) -> tuple[Check, ...]:
        """Whether it is in force, and what the measure's own test sees. Raises CannotDo."""
        return self.in_force(lease, scene), *self._measure.probe(lease.plan, scene)

    def in_force(self, lease: Lease, scene: Scene) -> Check:
        """Whether it is as it was put. Raises CannotDo."""
        stands = self._measure.stands(lease.mark, scene)
        detail = "it is in force as it was put" if stands else "it is not in force as it was put"
        return Check(name="in_force", ok=stands, detail=detail)

    def take_back(self, lease: Lease, scene: Scene, ledger: Ledger) -> bool:
        """Undoes what was never verified. Where that fails, the lease is over all the same, and is tried again later."""
        try:
            self._measure.undo(lease.plan, scene)
        except CannotDo as error:
            _log.error("leases.not_taken_back", kind=lease.kind, problem=str(error))
            ledger.keep(lease.lasting(0.0, ledger.moment))
            return False
        ledger.end(lease)
        return True

    def end(self, lease: Lease, why: str, scene: Scene, ledger: Ledger) -> Outcome:
        """Ends a lease that no command ends, and leaves word of it for the server, as of the command that began it."""
        outcome = self._undone(lease, why, scene, ledger)
        if outcome.state is S.RELEASED:
            ledger.end(
                lease, ledger.result(lease.command, S.RELEASED, outcome.detail, outcome.data)
            )
        _log.warning("leases.ended", kind=lease.kind, action=lease.action, why=outcome.detail)
        return outcome

    def close(self, lease: Lease, scene: Scene, ledger: Ledger) -> Outcome:
        """Ends a lease for the command that `closing` names."""
        outcome = self._undone(lease, "released by command", scene, ledger)
        if outcome.state is S.RELEASED:
            ledger.end(lease)
        return outcome

    def complete(self, lease: Lease, scene: Scene, ledger: Ledger) -> None:
        """Ends what the agent was stopped in: a release goes on, an apply that never was verified is taken back."""
        if lease.closing is None:
            self.take_back(lease, scene, ledger)
            return
        outcome = self._undone(lease, "released by command", scene, ledger)
        if outcome.state is S.RELEASED:
            ledger.finish(ledger.result(lease.closing, S.RELEASED, outcome.detail, outcome.data))
            ledger.end(lease)

    def clear_strays(self, scene: Scene) -> None:
        """What no lease in the journal stands for (it was lost) runs out by itself; then it is cleared away. Raises CannotDo."""
        live = self._measure.stray(scene)
        if live is False:
            self._measure.undo(None, scene)
        if live and not self.stray:
            _log.error("leases.stray", kind=self._measure.name, problem="in force without a lease")
        self.stray = bool(live)

    def _undone(self, lease: Lease, why: str, scene: Scene, ledger: Ledger) -> Outcome:
        try:
            self._measure.undo(lease.plan, scene)
            after = self._measure.former(scene)
        except CannotDo as error:
            left = max(ledger.left(lease), 0.0)
            return Outcome(
                state=S.FAILED,
                detail=f"it could not be taken away: {error}; without that it ends by itself in {left:.0f} seconds",
            )
        data = _compared(lease, after) | meanwhile(lease)
        words = "all is as before" if data["restored"] else "other rules changed meanwhile"
        return Outcome(state=S.RELEASED, detail=f"{why}; {words}{without(lease)}", data=data)


def meanwhile(lease: Lease) -> dict[str, Any]:
    """When it was found gone and put in force again, and what was left out since; nothing of what never was."""
    times = {"put_back": [at.isoformat() for at in lease.put_back]} if lease.put_back else {}
    return times | ({"left_out": list(lease.left_out)} if lease.left_out else {})


def without(lease: Lease) -> str:
    """What was left out, as the end of a sentence; empty where nothing was."""
    return f"; left out since: {'; '.join(lease.left_out)}" if lease.left_out else ""


def digest(text: str) -> str:
    """By which two states are compared."""
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _compared(lease: Lease, after: str) -> dict[str, Any]:
    found = digest(after)
    same = found == lease.before
    told: dict[str, Any] = {"restored": same, "before": lease.before, "after": found}
    if not same and lease.former:
        told["changes"] = changes(lease.former, after)
    return told

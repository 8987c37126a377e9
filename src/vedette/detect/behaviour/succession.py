"""What takes the place of a service that is gone: the same process by another name, or another program on its ports."""

from collections.abc import Mapping
from functools import cached_property

from vedette.detect.behaviour.form import Form
from vedette.detect.behaviour.services import frozen
from vedette.detect.behaviour.shape import Process
from vedette.detect.behaviour.sockets import Wires
from vedette.detect.behaviour.state import BehaviourState, Resident
from vedette.detect.inventory.fact import number
from vedette.detect.place import hidden, place
from vedette.detect.ports import EPHEMERAL
from vedette.detect.view import View

__all__ = ["Successors", "ports_after", "remember_leads"]

_HONEST = frozenset({"system", "local", "app", "layer"})
_MOST_PORTS = 16  # of a service
_MOST = 512  # of a host
_FORGOTTEN = 60  # snapshots after which a port that nobody waits on counts as any other


class Successors:
    """Asked of services that are missing, which is seldom: so it looks only then."""

    def __init__(self, view: View, forms: Mapping[str, Form]) -> None:
        self._view = view
        self._forms = forms

    def __call__(self, gone: Resident) -> bool:
        """Whether its process goes on under another name, or a program from where programs lie has all of its ports."""
        row = self._view.by_pid.get(gone.pid)
        if row is not None and gone.born and number(row, "start_time", 0) == gone.born:
            return gone.pid not in self._frozen and _lies_well(self._forms[gone.pid])
        return bool(gone.ports) and set(gone.ports) <= self._held

    @cached_property
    def _held(self) -> set[int]:
        return {
            number(row, "port", 0)
            for row in self._view.rows("listening_ports")
            if (pid := str(row.get("pid"))) in self._view.by_pid
            and pid not in self._frozen
            and _lies_well(self._forms[pid])
        }

    @cached_property
    def _frozen(self) -> frozenset[str]:
        """Those that a signal has stopped take no one's place, not even their own."""
        return frozen(self._view.by_pid)


def _lies_well(seen: Form) -> bool:
    things = [one for one in (seen.path, seen.script) if one]
    gone = any(mark.startswith("gone") for mark in seen.marks)
    return not gone and all(place(one) in _HONEST and not hidden(one) for one in things)


def remember_leads(
    residents: Mapping[str, Resident], leads: Mapping[str, Process], net: Wires
) -> None:
    """Keeps of each service that was read which process leads it, and where that waits for connections."""
    for name, process in leads.items():
        resident = residents.get(name)
        if resident is None:
            continue
        resident.pid, resident.born = process.pid, number(process.row, "start_time", 0)
        resident.script = process.form.role in {"shell", "builder"}
        resident.ports = sorted(net.doors.get(process.pid, ()))[:_MOST_PORTS] or resident.ports


def ports_after(state: BehaviourState, view: View) -> dict[int, int]:
    """The ports on which somebody waits, or lately waited, by the snapshots since."""
    if "listening_ports" not in view.seen:
        return state.ports
    now = {
        port
        for row in view.rows("listening_ports")
        if 0 < (port := number(row, "port", 0)) < EPHEMERAL
    }
    if now == state.ports.keys() and not any(state.ports.values()):
        return state.ports
    away = {port: age + 1 for port, age in state.ports.items() if port not in now}
    kept = {port: age for port, age in away.items() if age < _FORGOTTEN}
    return dict([*kept.items(), *((port, 0) for port in sorted(now))][-_MOST:])

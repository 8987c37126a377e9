"""The form to propose an action: first what, then only the fields that this kind has. Works without a script."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from litestar import Response
from litestar.di import NamedDependency
from litestar.response import Redirect

from vedette.console.form import Form
from vedette.console.pages.deeds import DEEDS
from vedette.console.pages.moves import page_of
from vedette.console.pages.params import words
from vedette.console.pages.render import PageRequest, Renderer
from vedette.console.pages.route import shows, takes
from vedette.console.pages.said import back_to
from vedette.console.pages.words import plain
from vedette.console.person import Person
from vedette.console.proposing import NewAction, able, propose
from vedette.console.settings import Console
from vedette.core import Host, HostId, IncidentId, InvalidInput, Record
from vedette.store import Role

__all__ = ["propose_move", "propose_page"]

_PREFIX = "with_"
_MOST = 4_000


class _Look(Record, frozen=True, kw_only=True):
    """How a parameter is asked for. `hint` stands in place of what its schema says; `value` is in the field at first."""

    label: str
    form: str = "text"
    hint: str = ""
    value: str = ""
    example: str = ""
    required: bool = False


# By the parameter's name, which means the same in every kind; what is not here is text, or a flag where its words say "Whether".
_LOOKS: Final[Mapping[str, _Look]] = {
    "account": _Look(label="Account", hint="The name of one account on the host", required=True),
    "allow": _Look(label="Stays reachable", form="lines", example="10.1.0.0/16"),
    "at_most": _Look(label="At most", example="1d"),
    "bytes": _Look(label="Most bytes in all", form="number"),
    "end_sessions": _Look(label="End what it runs in its sessions, too", form="flag"),
    "file_bytes": _Look(label="Most bytes of one file", form="number"),
    "files": _Look(label="Files", form="lines", example="/etc/passwd"),
    "grace": _Look(label="Grace", example="1m"),
    "lease": _Look(label="For how long", value="30m", example="30m", required=True),
    "logs": _Look(label="Logs", form="lines", example="/var/log/auth.log"),
    "max_files": _Look(label="Most files", form="number"),
    "message": _Look(label="Message to who is logged in"),
    "pids": _Look(label="Processes", form="numbers", example="4711"),
    "snapshot_first": _Look(label="Snapshots of its volumes first", form="flag"),
    "tables": _Look(label="Tables", form="lines", example="process_open_sockets"),
    "whole_namespace": _Look(label="All pods of its namespace", form="flag"),
}


class FieldView(Record, frozen=True, kw_only=True):
    """One field as it is shown, with what was written and what is wrong with that."""

    name: str
    look: _Look
    hint: str
    value: str
    wrong: str = ""


class KindView(Record, frozen=True, kw_only=True):
    """A kind that can be chosen, and what it does."""

    name: str
    words: str


@shows("/actions/propose", role=Role.RESPONDER)
def propose_page(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    renderer: NamedDependency[Renderer],
    request: PageRequest,
) -> Response[str]:
    """Which kind, or the fields of the one that the address names."""
    given = {name: words(request, name, bound=80) for name in ("host", "incident", "kind")}
    return _page(console, person, renderer, request, given)


@takes("/actions/propose")
def propose_move(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    renderer: NamedDependency[Renderer],
    form: NamedDependency[Form],
    request: PageRequest,
) -> Response[str] | Redirect:
    """The Propose button. What is wrong is said beside its field."""
    kind, incident = form.text("kind", bound=41), form.text("incident", bound=80)
    fields = console.policies.fields(kind) or {}
    asked = NewAction(
        kind=kind,
        host=HostId(form.text("host", bound=80)),
        parameters=_parameters(form, fields),
        reason=form.text("reason", bound=1000),
        dry_run=form.text("dry_run", bound=10) == "on",
        incident=IncidentId(incident) if incident else None,
        request=form.text("request", bound=80),
    )
    try:
        made = propose(console, person, asked)
    except InvalidInput as error:
        wrong = {_place(error, fields, asked.reason): error.detail}
        sent = {name: form.text(name) for name in _names(fields)}
        return _page(console, person, renderer, request, sent, wrong, sent=True)
    return back_to(page_of(made), "proposed")


def _place(error: InvalidInput, fields: Mapping[str, str], reason: str) -> str:
    """The field that is wrong; nothing where it is none. Of what is missing the error names no place, but its first word is it."""
    if not reason.strip():
        return "reason"
    at = error.extensions.get("at")
    first = error.detail.partition(" ")[0]
    return str(at[0]) if at else first if first in fields else ""


def _names(fields: Mapping[str, str]) -> tuple[str, ...]:
    own = ("host", "incident", "kind", "reason", "dry_run")
    return (*own, *(f"{_PREFIX}{name}" for name in fields))


def _parameters(form: Form, fields: Mapping[str, str]) -> dict[str, Any]:
    """As under `with` in a policy; what is left empty is not given."""
    found: dict[str, Any] = {}
    for name in fields:
        text = form.text(f"{_PREFIX}{name}", bound=_MOST)
        if text:
            found[name] = _READ[_look(name, fields[name]).form](text)
    return found


def _entries(text: str) -> list[str]:
    return text.replace(",", " ").split()


def _number(text: str) -> int | str:
    """What is no number is left as it is: the schema says what is wrong with it."""
    return int(text) if text.isascii() and text.isdigit() else text


_READ: Final[Mapping[str, Callable[[str], Any]]] = {
    "text": str,
    "lines": _entries,
    "flag": lambda text: text == "on",
    "number": _number,
    "numbers": lambda text: [_number(one) for one in _entries(text)],
}


def _look(name: str, said: str) -> _Look:
    form = "flag" if said.startswith("Whether ") else "text"
    return _LOOKS.get(name) or _Look(label=plain(name).capitalize(), form=form)


def _page(
    console: Console,
    person: Person,
    renderer: Renderer,
    request: PageRequest,
    given: Mapping[str, str],
    wrong: Mapping[str, str] | None = None,
    *,
    sent: bool = False,
) -> Response[str]:
    host = console.store.hosts.get(person.tenant, HostId(given["host"]))
    kinds = _kinds(console, host)
    kind = given["kind"] if given["kind"] in {one.name for one in kinds} else ""
    found = console.policies.fields(kind) if kind else None
    errors = dict(wrong or {})
    fields = [
        FieldView(
            name=f"{_PREFIX}{name}",
            look=_look(name, text),
            hint=_look(name, text).hint or text.replace("`", ""),
            value=given.get(f"{_PREFIX}{name}", "") if sent else _look(name, text).value,
            wrong=errors.pop(name, ""),
        )
        for name, text in (found or {}).items()
    ]
    return renderer.page(
        request,
        "propose.html",
        title="Propose an action",
        code=400 if wrong else 200,
        host=host,
        incident=given["incident"],
        kinds=kinds,
        kind=kind,
        deed=_deed(kind, host) if kind else "",
        fields=fields,
        reason=given.get("reason", ""),
        reason_wrong=errors.pop("reason", ""),
        dry_run=given.get("dry_run", "") == "on",
        wrong=next(iter(errors.values()), ""),
    )


def _kinds(console: Console, host: Host) -> tuple[KindView, ...]:
    """What people may propose of what can be carried out there."""
    if host.revoked_at is not None:
        return ()
    return tuple(
        KindView(name=kind, words=_deed(kind, host))
        for kind in able(console, host)
        if console.policies.fields(kind) is not None
    )


def _deed(kind: str, host: Host) -> str:
    deed = DEEDS.get(kind, f"Carries out {plain(kind)} on {{host}}.")
    return deed.format(host=host.hostname, account="that you name", to="", chain="")

"""Commands that ask a running server over its API: hosts, verdicts, incidents, actions, audit."""

import json
from typing import Annotated, Any, Literal

import typer

from vedette.app.cli.api_client import ApiClient
from vedette.app.cli.options import After, AsJson, Limit, Reason
from vedette.app.cli.tables import print_json, print_page, print_thing
from vedette.core import ActionState, HostStatus, IncidentState, Label, Severity

__all__ = ["actions", "audit", "hosts", "incidents", "me", "sayings", "verdicts"]

Id = Annotated[str, typer.Argument(help="Its id.")]

hosts = typer.Typer(name="hosts", help="Watched machines.", invoke_without_command=True)
verdicts = typer.Typer(name="verdicts", help="One per snapshot.", invoke_without_command=True)
incidents = typer.Typer(name="incidents", help="What needs people.", invoke_without_command=True)
actions = typer.Typer(name="actions", help="What was or may be done.", invoke_without_command=True)
sayings = typer.Typer(
    name="sayings", help="What people said of incidents.", invoke_without_command=True
)
audit = typer.Typer(name="audit", help="Who changed what, and why.", invoke_without_command=True)


def _list(
    noun: str,
    columns: tuple[str, ...],
    empty: str,
    as_json: bool,
    **query: Any,
) -> None:
    page = ApiClient().get(noun, **query)
    print_page(page, columns, empty=empty, as_json=as_json)


def _show(noun: str, identifier: str, as_json: bool) -> None:
    thing = ApiClient().get(noun, identifier)
    print_thing(thing, as_json=as_json)


def me(as_json: AsJson = False) -> None:
    """Says who the server takes you for: name, role and tenant of your token."""
    found = ApiClient().get("me")
    print_thing(found, as_json=as_json)


@hosts.callback()
def list_hosts(
    context: typer.Context,
    status: Annotated[HostStatus | None, typer.Option(help="As it stands now.")] = None,
    text: Annotated[str | None, typer.Option(help="Part of the host name.")] = None,
    silent: Annotated[
        bool | None,
        typer.Option("--silent/--heard", help="Only those that are silent, or are not."),
    ] = None,
    limit: Limit = 50,
    after: After = None,
    as_json: AsJson = False,
) -> None:
    """Lists hosts with their status."""
    if context.invoked_subcommand is None:
        columns = (
            "hostname",
            "status",
            "status_since",
            "silent_since",
            "last_seen_at",
            "can_act",
            "id",
        )
        empty = "No hosts yet. `vedette enrolments create` makes a token to enrol one."
        _list(
            "hosts",
            columns,
            empty,
            as_json,
            status=status,
            text=text,
            silent=silent,
            limit=limit,
            after=after,
        )


@hosts.command("show")
def show_host(host: Id, as_json: AsJson = False) -> None:
    """Shows one host."""
    _show("hosts", host, as_json)


@hosts.command("facts")
def list_facts(
    host: Id,
    at: Annotated[str | None, typer.Option(help="RFC 3339 time with zone; now.")] = None,
    table: Annotated[str | None, typer.Option(help="Only of this table.")] = None,
    limit: Limit = 50,
    after: After = None,
    as_json: AsJson = False,
) -> None:
    """Lists what was known of a host at a moment: the rows of its tables."""
    page = ApiClient().get("hosts", host, "facts", at=at, table=table, limit=limit, after=after)
    if as_json:
        print_json(page)
    else:
        columns = ("table", "row", "first_seen", "last_seen", "gone_at")
        print_page(page, columns, empty="Nothing was known then.")


@hosts.command("revoke")
def revoke_host(host: Id, reason: Reason) -> None:
    """Takes a host's key out of use at once."""
    print_json(ApiClient().post("hosts", host, "revoke", body={"reason": reason}))


@verdicts.callback()
def list_verdicts(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="A host's id.")] = None,
    label: Annotated[Label | None, typer.Option(help="What was thought of it.")] = None,
    since: Annotated[str | None, typer.Option(help="RFC 3339 time with zone.")] = None,
    until: Annotated[str | None, typer.Option(help="RFC 3339 time with zone.")] = None,
    limit: Limit = 50,
    after: After = None,
    as_json: AsJson = False,
) -> None:
    """Lists verdicts, newest first."""
    if context.invoked_subcommand is None:
        columns = ("taken_at", "host", "seq", "label", "score", "severity", "id")
        asked = {"host": host, "label": label, "since": since, "until": until}
        _list("verdicts", columns, "No verdicts.", as_json, limit=limit, after=after, **asked)


@verdicts.command("show")
def show_verdict(verdict: Id, as_json: AsJson = False) -> None:
    """Shows one verdict with its reasons."""
    _show("verdicts", verdict, as_json)


@incidents.callback()
def list_incidents(
    context: typer.Context,
    state: Annotated[IncidentState | None, typer.Option(help="As it stands now.")] = None,
    severity: Annotated[Severity | None, typer.Option(help="Its worst so far.")] = None,
    host: Annotated[str | None, typer.Option(help="A host's id.")] = None,
    part_of: Annotated[
        str | None, typer.Option(help="The fleet's incident that they are part of.")
    ] = None,
    text: Annotated[str | None, typer.Option(help="Part of the host name.")] = None,
    assigned: Annotated[str | None, typer.Option(help="Whose: a name, me, or nobody.")] = None,
    cause: Annotated[str | None, typer.Option(help="One of its causes, as a whole.")] = None,
    label: Annotated[
        str | None, typer.Option(help="NAME=VALUE of a host of it; role=NAME is a cohort.")
    ] = None,
    since: Annotated[str | None, typer.Option(help="Opened then or later; RFC 3339.")] = None,
    until: Annotated[str | None, typer.Option(help="Opened before; RFC 3339.")] = None,
    sort: Annotated[
        Literal["newest", "oldest"], typer.Option(help="By when they were opened.")
    ] = "newest",
    limit: Limit = 50,
    after: After = None,
    as_json: AsJson = False,
) -> None:
    """Lists incidents, newest first unless told otherwise."""
    if context.invoked_subcommand is None:
        columns = ("opened_at", "hostname", "state", "severity", "title", "assigned_to", "id")
        asked = {"state": state, "severity": severity, "host": host, "part_of": part_of}
        asked |= {"text": text, "assigned": assigned, "cause": cause, "label": label}
        asked |= {"since": since, "until": until, "sort": sort}
        _list("incidents", columns, "No incidents.", as_json, limit=limit, after=after, **asked)


@incidents.command("show")
def show_incident(incident: Id, as_json: AsJson = False) -> None:
    """Shows one incident."""
    _show("incidents", incident, as_json)


@incidents.command("acknowledge")
def acknowledge_incident(incident: Id) -> None:
    """Says that you are looking at it."""
    print_json(ApiClient().post("incidents", incident, "acknowledge", body={}))


@incidents.command("false-positive")
def false_positive_incident(
    incident: Id,
    reason: Annotated[str, typer.Option("--reason", "-m", help="Why; people are shown it.")] = "",
    days: Annotated[int, typer.Option(min=1, max=90, help="How long it is silenced.")] = 7,
) -> None:
    """Closes it as a false positive and silences its causes there; says what that would have held in 30 days."""
    body = {"reason": reason, "days": days}
    print_json(ApiClient().post("incidents", incident, "false-positive", body=body))


@incidents.command("close")
def close_incident(
    incident: Id,
    resolution: Annotated[
        Literal["true_positive", "false_positive", "benign_change"],
        typer.Option(help="What it was."),
    ],
    comment: Annotated[str, typer.Option("--comment", "-m", help="What it was.")] = "",
    scope: Annotated[
        Literal["host", "cohort"],
        typer.Option(help="Where it is normal: on this host, or for a day on all of its role."),
    ] = "host",
) -> None:
    """Closes it and says what it was; the detector hears of it."""
    body = {"resolution": resolution, "comment": comment, "scope": scope}
    print_json(ApiClient().post("incidents", incident, "close", body=body))


@actions.callback()
def list_actions(
    context: typer.Context,
    state: Annotated[ActionState | None, typer.Option(help="As it stands now.")] = None,
    incident: Annotated[str | None, typer.Option(help="An incident's id.")] = None,
    host: Annotated[str | None, typer.Option(help="A host's id.")] = None,
    kind: Annotated[str | None, typer.Option(help="Such as mail or quarantine.")] = None,
    limit: Limit = 50,
    after: After = None,
    as_json: AsJson = False,
) -> None:
    """Lists actions, newest first."""
    if context.invoked_subcommand is None:
        columns = ("proposed_at", "kind", "state", "mode", "policy", "detail", "id")
        asked = {"state": state, "incident": incident, "host": host, "kind": kind}
        _list("actions", columns, "No actions.", as_json, limit=limit, after=after, **asked)


@actions.command("show")
def show_action(action: Id, as_json: AsJson = False) -> None:
    """Shows one action with its plan."""
    _show("actions", action, as_json)


@actions.command("steps")
def list_steps(action: Id, as_json: AsJson = False) -> None:
    """Lists its steps, oldest first: who, when and why."""
    page = ApiClient().get("actions", action, "events")
    if as_json:
        print_json(page)
    else:
        print_page(page, ("at", "state", "actor", "detail", "data"), empty="No steps.")


@actions.command("propose")
def propose_action(
    kind: Annotated[
        str,
        typer.Argument(
            help="Such as quarantine, or ec2_isolate for a host without an agent that can act."
        ),
    ],
    host: Annotated[str, typer.Option(help="A host's id.")],
    reason: Reason,
    parameters: Annotated[
        str, typer.Option("--with", help='As under `with` in a policy, in JSON: {"lease": "30m"}.')
    ] = "{}",
    incident: Annotated[str | None, typer.Option(help="The incident that it answers.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="It is only planned and checked.")
    ] = False,
) -> None:
    """Proposes an action; somebody else must approve it."""
    try:
        given = json.loads(parameters)
    except ValueError as error:
        raise typer.BadParameter(f"not JSON: {error}", param_hint="--with") from error
    body = {"kind": kind, "host": host, "parameters": given, "reason": reason}
    body |= {"dry_run": dry_run, "incident": incident}
    print_json(ApiClient().post("actions", body=body))


@actions.command("approve")
def approve_action(action: Id, reason: Reason) -> None:
    """Lets it go ahead."""
    print_json(ApiClient().post("actions", action, "approve", body={"reason": reason}))


@actions.command("refuse")
def refuse_action(action: Id, reason: Reason) -> None:
    """Ends it before it starts."""
    print_json(ApiClient().post("actions", action, "refuse", body={"reason": reason}))


@actions.command("cancel")
def cancel_action(action: Id, reason: Reason) -> None:
    """Stops it where it still can be."""
    print_json(ApiClient().post("actions", action, "cancel", body={"reason": reason}))


@actions.command("release")
def release_action(action: Id, reason: Reason) -> None:
    """Has the host undo what is in force."""
    print_json(ApiClient().post("actions", action, "release", body={"reason": reason}))


@sayings.callback()
def list_sayings(
    host: Annotated[str | None, typer.Option(help="A host's id.")] = None,
    limit: Limit = 50,
    after: After = None,
    as_json: AsJson = False,
) -> None:
    """Lists them, newest first; `vedette replay --sayings` takes what --json prints."""
    columns = ("at", "host", "normal", "cohort", "subjects", "author", "reason")
    _list("sayings", columns, "Nothing said.", as_json, host=host, limit=limit, after=after)


@audit.callback()
def list_audit(
    context: typer.Context,
    actor: Annotated[str | None, typer.Option(help="Such as user:alice.")] = None,
    action: Annotated[str | None, typer.Option(help="Such as action.approved.")] = None,
    subject: Annotated[str | None, typer.Option(help="An id.")] = None,
    since: Annotated[str | None, typer.Option(help="RFC 3339 time with zone.")] = None,
    until: Annotated[str | None, typer.Option(help="RFC 3339 time with zone.")] = None,
    limit: Limit = 50,
    after: After = None,
    as_json: AsJson = False,
) -> None:
    """Lists the audit log, newest first."""
    if context.invoked_subcommand is None:
        columns = ("at", "actor", "action", "subject", "reason")
        asked = {"actor": actor, "action": action, "subject": subject}
        asked |= {"since": since, "until": until}
        _list("audit", columns, "Nothing yet.", as_json, limit=limit, after=after, **asked)

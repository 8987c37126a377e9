"""`vedette dead-letters`: snapshots that could not be read, over the API."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn

from vedette.app.cli.api_client import ApiClient
from vedette.app.cli.options import After, AsJson, Limit, Reason
from vedette.app.cli.tables import print_json, print_page, print_thing
from vedette.core import InvalidInput, SystemClock

__all__ = ["app"]

app = typer.Typer(
    name="dead-letters",
    help="Snapshots that were accepted and could not be read: list, show, replay, purge.",
    no_args_is_help=True,
)

LetterId = Annotated[str, typer.Argument(help="Its id, as listed.")]
Some = Annotated[str | None, typer.Argument(help="The id of one; else those that fit.")]
Host = Annotated[str | None, typer.Option(help="A host's id.")]
Text = Annotated[str | None, typer.Option(help="Part of the reason.")]
Since = Annotated[str | None, typer.Option(help="Rejected then or later; RFC 3339 with zone.")]
Until = Annotated[str | None, typer.Option(help="Rejected before; RFC 3339 with zone.")]
All = Annotated[bool, typer.Option("--all", help="All of them, where nothing else is said.")]


@app.command("list")
def list_letters(
    host: Host = None,
    since: Since = None,
    until: Until = None,
    text: Text = None,
    limit: Limit = 50,
    after: After = None,
    as_json: AsJson = False,
) -> None:
    """Lists dead letters, the first rejected first."""
    page = ApiClient().get(
        "dead-letters", host=host, since=since, until=until, text=text, limit=limit, after=after
    )
    columns = ("id", "rejected_at", "hostname", "seq", "attempts", "replays", "reason")
    print_page(page, columns, empty="No dead letters.", as_json=as_json)


@app.command("show")
def show_letter(letter: LetterId, as_json: AsJson = False) -> None:
    """Shows one: what its clear header tells, and why it could not be read. Never its content."""
    thing = ApiClient().get("dead-letters", letter)
    print_thing(thing, as_json=as_json)


@app.command("replay")
def replay_letters(
    letter: Some = None,
    host: Host = None,
    since: Since = None,
    until: Until = None,
    text: Text = None,
    everything: All = False,
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Tries them again. What can be read now gets a late verdict; the rest returns under its id."""
    client = ApiClient()
    if letter is not None:
        _refuse_both(host, since, until, text, everything)
        thing = client.post("dead-letters", letter, "replay", body={"reason": reason})
        _say({"count": 1, "ids": [thing["id"]]}, as_json, "replayed")
        return
    chosen = _chosen(host, since, until, text, everything)
    _move(client, "replay", "replayed", {**chosen, "reason": reason}, as_json)


@app.command("purge")
def purge_letters(
    reason: Reason,
    letter: Some = None,
    host: Host = None,
    since: Since = None,
    until: Until = None,
    text: Text = None,
    everything: All = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Deletes them for good; their unknown verdicts stay. Asks first."""
    client = ApiClient()
    if letter is not None:
        _refuse_both(host, since, until, text, everything)
        _confirm(f"Delete dead letter {letter} for good?", yes)
        client.delete("dead-letters", letter, reason=reason)
        _say({"count": 1, "ids": [letter]}, as_json, "purged")
        return
    chosen = _chosen(host, since, until, text, everything)
    found = client.get("dead-letters", limit=500, **chosen)
    many = f"{len(found['items'])}{' or more' if found['next'] else ''}"
    if found["items"]:
        _confirm(f"Delete {many} dead letters for good?", yes)
    _move(client, "purge", "purged", {**chosen, "reason": reason}, as_json)


def _chosen(
    host: str | None, since: str | None, until: str | None, text: str | None, everything: bool
) -> dict[str, str]:
    """The filter; its end is fixed, so that what returns meanwhile is not taken again."""
    given = {"host": host, "since": since, "until": until, "text": text}
    chosen = {name: value for name, value in given.items() if value is not None}
    if not chosen and not everything:
        raise InvalidInput("name one, or say which by --host, --since, --until, --text, or --all")
    if "until" not in chosen:
        chosen["until"] = _now().isoformat()
    return chosen


def _refuse_both(*given: object) -> None:
    if any(given):
        raise InvalidInput("name one dead letter, or say which by a filter, not both")


def _confirm(question: str, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise InvalidInput("nobody can be asked here; say --yes")
    typer.confirm(question, abort=True, err=True)


def _move(client: ApiClient, verb: str, done: str, body: dict[str, Any], as_json: bool) -> None:
    """In parts of 500 until none is left, telling how far it is."""
    count = 0
    with _progress(verb) as tell:
        while True:
            moved = client.post("dead-letters", verb, body=body)
            count += moved["count"]
            tell(count)
            if not moved["more"]:
                break
    _say({"count": count}, as_json, done)


@contextmanager
def _progress(verb: str) -> Iterator[Callable[[int], None]]:
    """A count on standard error while the block runs."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(f"{verb}: 0", total=None)
        yield lambda count: shown.update(task, description=f"{verb}: {count}")


def _say(result: dict[str, Any], as_json: bool, done: str) -> None:
    if as_json:
        print_json(result)
    else:
        typer.echo(f"{result['count']} {done}")


def _now() -> datetime:
    return SystemClock().now().astimezone(UTC)

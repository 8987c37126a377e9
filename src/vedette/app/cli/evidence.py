"""`vedette evidence`: what hosts collected. Listed and fetched over the API; opened on the server, where the key is."""

import os
import stat
from pathlib import Path
from typing import Annotated

import typer

from vedette.app.cli.api_client import ApiClient
from vedette.app.cli.options import After, AsJson, ConfigPath, Limit
from vedette.app.cli.tables import print_json, print_page, print_thing
from vedette.app.settings import load_settings
from vedette.core import ConfigError, digest, to_builtins

__all__ = ["evidence"]

evidence = typer.Typer(
    name="evidence",
    help="Sealed evidence that hosts collected: list, show, fetch, open.",
    no_args_is_help=True,
)

ActionId = Annotated[str, typer.Argument(help="The id of the action that collected it.")]


@evidence.command("list")
def list_evidence(
    host: Annotated[str | None, typer.Option(help="A host's id.")] = None,
    incident: Annotated[str | None, typer.Option(help="An incident's id.")] = None,
    limit: Limit = 50,
    after: After = None,
    as_json: AsJson = False,
) -> None:
    """Lists bundles, newest first."""
    page = ApiClient().get("evidence", host=host, incident=incident, limit=limit, after=after)
    columns = ("received_at", "hostname", "size", "requested_by", "removed_at", "digest", "action")
    print_page(page, columns, empty="No evidence.", as_json=as_json)


@evidence.command("show")
def show_evidence(action: ActionId, as_json: AsJson = False) -> None:
    """Shows one: whose it is, who asked for it, and what its host says is in it."""
    thing = ApiClient().get("evidence", action)
    print_thing(thing, as_json=as_json)


@evidence.command("fetch")
def fetch_evidence(
    action: ActionId,
    to: Annotated[Path, typer.Option(help="Where to write it; a file that is there is kept.")],
) -> None:
    """Downloads the sealed bundle, which the audit notes, and checks its digest."""
    client = ApiClient()
    told = client.get("evidence", action)
    bundle = client.download("evidence", action, "bundle")
    if digest(bundle) != told["digest"]:
        raise ConfigError(f"what was downloaded is not the bundle {told['digest']}; try again")
    _write(to, bundle)
    typer.echo(f"{to}: {len(bundle)} bytes, {told['digest']}")


@evidence.command("open")
def open_bundle(
    bundle: Annotated[Path, typer.Argument(help="The sealed bundle, as fetched.")],
    to: Annotated[
        Path | None, typer.Option(help="Where to write the tar archive; none: only look.")
    ] = None,
    config_path: ConfigPath = None,
    as_json: AsJson = False,
) -> None:
    """Opens a bundle with this server's opening key, checks it against its manifest, and shows that. Run it on the server."""
    settings = load_settings(config_path)
    from vedette.app.evidence import open_evidence
    from vedette.app.keys import KeyFiles
    from vedette.seal import KeyRing

    sealed = _sealed(bundle, settings.ingest.max_evidence_bytes)
    opened = open_evidence(sealed, KeyRing.load(KeyFiles(settings).opening_ring))
    if to is not None:
        _write(to, opened.tar)
    if as_json:
        print_json({"header": to_builtins(opened.header), "manifest": opened.manifest})
        return
    print_thing({**to_builtins(opened.header), "digest": digest(sealed)})
    entries = {"items": opened.manifest["entries"]}
    print_page(entries, ("path", "size", "sha256", "of", "note"), empty="Nothing is in it.")
    omitted = {"items": opened.manifest.get("omitted", [])}
    print_page(omitted, ("what", "why"), empty="Nothing was left out.")


def _sealed(path: Path, most: int) -> bytes:
    """No more than this server would have taken, and only of a regular file: others need not end."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(fd, "rb") as file:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise ConfigError(f"{path} is no regular file")
            found = file.read(most + 1)
    except OSError as error:
        raise ConfigError(f"can't read {path}: {error.strerror}") from error
    if len(found) > most:
        raise ConfigError(
            f"{path} has more than {most} bytes (`ingest.max_evidence_bytes`), the most that a bundle has"
        )
    return found


def _write(path: Path, data: bytes) -> None:
    """Only for its owner, and never over something else."""
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(data)
    except OSError as error:
        raise ConfigError(f"can't write {path}: {error.strerror}") from error

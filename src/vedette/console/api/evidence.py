"""/v1/evidence: what hosts collected, sealed; listed for everybody, given to responders, each time with an audit row."""

from litestar import Response
from litestar.di import NamedDependency

from vedette.console.api.query import After, Id, IdFilter, Limit
from vedette.console.api.replies import EvidencePage
from vedette.console.api.route import downloads, reads
from vedette.console.evidence import (
    EVIDENCE,
    EvidenceView,
    file_name,
    find_evidence,
    one_evidence,
)
from vedette.console.person import Person
from vedette.console.settings import Console
from vedette.core import ActionId, HostId, IncidentId
from vedette.store import Role

__all__ = ["download_evidence", "get_evidence", "list_evidence"]

_TAG = "evidence"


@reads("/evidence", tag=_TAG, summary="Find evidence, newest first")
def list_evidence(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    host: IdFilter = None,
    incident: IdFilter = None,
    limit: Limit = 100,
    after: After = None,
) -> EvidencePage:
    """By host and incident."""
    page = find_evidence(
        console,
        person,
        host=None if host is None else HostId(host),
        incident=None if incident is None else IncidentId(incident),
        limit=limit,
        after=after,
    )
    return EvidencePage(items=page.items, next=page.next)


@reads("/evidence/{action_id:str}", tag=_TAG, summary="The evidence of an action", one=True)
def get_evidence(
    console: NamedDependency[Console], person: NamedDependency[Person], action_id: Id
) -> EvidenceView:
    """With what its host says is in it."""
    return one_evidence(console, person, ActionId(action_id))


@downloads(
    "/evidence/{action_id:str}/bundle",
    tag=_TAG,
    summary="Download the sealed bundle",
    role=Role.RESPONDER,
    media_type=EVIDENCE,
)
def download_evidence(
    console: NamedDependency[Console], person: NamedDependency[Person], action_id: Id
) -> Response[bytes]:
    """Each download writes an audit row. `vedette evidence open` opens it, where the opening key is."""
    found, bundle = console.store.evidence.fetch(
        person.tenant, ActionId(action_id), actor=person.actor
    )
    headers = {
        "Content-Disposition": f'attachment; filename="{file_name(found)}"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(bundle, media_type=EVIDENCE, headers=headers)

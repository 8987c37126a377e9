"""What a host is told for `collect`, and what of its word is believed: only what this server holds itself."""

from typing import Any, Final

from vedette.core import NOTHING_IN_FORCE, Action, Evidence, InvalidInput
from vedette.respond.actions.collect.schema import CollectSchema
from vedette.respond.host_command import HostCommand
from vedette.respond.kind import Job
from vedette.respond.named import CAUSE
from vedette.respond.outcome import Cancelled, Failed, Outcome, Refused, Verified, Waiting
from vedette.respond.ports import Commands, Evidences
from vedette.seal import SigningKey

__all__ = ["Collect"]

_MOST_FILES: Final = 256


class Collect(HostCommand):
    """Carried out by the host, which seals what it collected before it leaves it."""

    def __init__(self, commands: Commands, key: SigningKey, evidence: Evidences) -> None:
        super().__init__(CollectSchema(), commands, key, _told)
        self._evidence = evidence

    def probe(self, job: Job) -> Outcome:
        """Verified when the bundle that the host tells of is the one that is kept here, durable."""
        outcome = self._honest(job, super().probe(job))
        if not isinstance(outcome, Verified):
            return outcome
        told = outcome.evidence.get("digest")
        held = self._held(job)
        if held is None:
            detail = "the host says that its evidence was delivered, but none is kept here"
            return Failed(detail=detail, data=outcome.evidence)
        if held.digest != told:
            detail = f"the host tells of a bundle {told}, but the one that is kept is {held.digest}"
            return Failed(detail=detail, data=outcome.evidence)
        kept = {
            "digest": held.digest,
            "bytes": held.size,
            "received_at": held.received_at.isoformat(),
        }
        return Verified(detail=outcome.detail, evidence={**outcome.evidence, "held": kept})

    def recall(self, job: Job) -> Outcome:
        """Tells the host to call it off. Where the host never began it, its word that it has nothing of it is enough."""
        outcome = super().recall(job)
        refused = isinstance(outcome, Refused) and outcome.data.get(NOTHING_IN_FORCE) is True
        if refused and isinstance(super().probe(job), Waiting) and self._held(job) is None:
            return Cancelled(detail="the host had not begun it")
        return self._honest(job, outcome)

    def _honest(self, job: Job, outcome: Outcome) -> Outcome:
        """A bundle that came all the same is never passed over in silence."""
        if not isinstance(outcome, Cancelled) or (held := self._held(job)) is None:
            return outcome
        words = f"the server has the bundle {held.digest}: it came before it was called off"
        return Cancelled(detail=f"{outcome.detail}; {words}", data=outcome.data)

    def _held(self, job: Job) -> Evidence | None:
        return self._evidence.held(job.action.tenant, job.action.id)


def _told(action: Action) -> dict[str, Any]:
    """Raises InvalidInput where there is nothing to collect."""
    given = action.parameters
    # What a process runs is looked at and told, so no digest is asked for beforehand.
    caused = [
        {name: one[name] for name in one if name != "sha256"} for one in given.get("processes", [])
    ]
    processes = [*caused, *({"pid": pid} for pid in given["pids"])]
    files = list(dict.fromkeys([*given.get("cause_files", []), *given["files"]]))[:_MOST_FILES]
    unresolved = (
        [] if not _caused(given) else [given["unresolved"]] if "unresolved" in given else []
    )
    told = {
        "processes": processes,
        "files": files,
        "logs": given["logs"],
        "tables": given["tables"],
        "environ": given["environ"],
        "executable": given["executable"],
        "most_bytes": given["bytes"],
        "most_file_bytes": given["file_bytes"],
        "most_files": given["max_files"],
        "most_seconds": given["within"],
        "unresolved": unresolved,
    }
    if not any(told[name] for name in ("processes", "files", "logs", "tables")):
        why = given.get("unresolved", "nobody looked for what the incident's reasons name")
        raise InvalidInput(f"{action.kind} has nothing to be about: {why}")
    return told


def _caused(given: dict[str, Any]) -> bool:
    return CAUSE in (given.get("process"), given.get("file"))

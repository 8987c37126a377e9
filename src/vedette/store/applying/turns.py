"""Changes that people hear of: of a host's standing, of an incident. Values in, values out."""

from typing import Any

from vedette.core import HostStatus, Incident, IncidentState, Label, Verdict

__all__ = ["host_turn", "incident_data", "incident_turns", "reason_of", "stale_reason"]


def host_turn(
    row: dict[str, Any], verdict: Verdict, status: HostStatus, reason: str
) -> dict[str, Any]:
    """What is told of a host's change by a verdict: of its status, its label, or both."""
    return {
        "from": str(row["status"]),
        "to": str(status),
        "label_before": str(row["label"] or ""),
        "hostname": row["hostname"],
        "reason": reason,
        "verdict": verdict.id,
        "score": verdict.score,
        "severity": str(verdict.severity),
    }


def reason_of(verdict: Verdict) -> str:
    """The first reason in words; a normal host needs none."""
    if verdict.label is Label.NORMAL or not verdict.reasons:
        return ""
    return verdict.reasons[0].text


def stale_reason(verdict: Verdict) -> str:
    """Why a host is not known to be normal by a verdict that calls it so."""
    return (
        f"Its newest snapshot that was judged is from {verdict.taken_at:%Y-%m-%d %H:%M} UTC: it is working off its spool, or its"
        " clock is wrong, or the detector is behind"
    )


def incident_turns(before: Incident | None, after: Incident) -> tuple[str, ...]:
    """The kinds of notice by which the incident went from one to the other; a verdict that merely joins is none."""
    if before is None:
        return ("incident.opened",)
    turns = []
    if before.state is not after.state:
        turns.append(
            {
                IncidentState.OPEN: "incident.reopened",
                IncidentState.QUIET: "incident.quiet",
                IncidentState.CLOSED: "incident.closed",
            }[after.state]
        )
    if after.severity.rank > before.severity.rank:
        turns.append("incident.raised")
    return tuple(turns)


def incident_data(incident: Incident, verdict: Verdict) -> dict[str, Any]:
    """What a notice or an audit row tells of an incident."""
    return {
        "host": incident.host,
        "hostname": incident.hostname,
        "state": str(incident.state),
        "severity": str(incident.severity),
        "title": incident.title,
        "verdict": verdict.id,
    }

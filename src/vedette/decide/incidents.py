"""Groups abnormal verdicts of one host into incidents, and ends them when the host is normal again.

Only the snapshots' own times count, so a replay opens, joins and closes the same incidents at the same moments.
"""

from collections.abc import Sequence
from datetime import timedelta

import msgspec

from vedette.core import (
    Host,
    Incident,
    IncidentEvent,
    IncidentId,
    IncidentState,
    Label,
    Reason,
    Record,
    Resolution,
    Verdict,
    derived_id,
)
from vedette.decide.returning import back, comes_back, ended, known_again, shows_more, stays
from vedette.decide.severity import weighed
from vedette.decide.situation import Situation

__all__ = [
    "ACTOR",
    "MAX_CAUSES",
    "MAX_REASONS",
    "Change",
    "Grouping",
    "best",
    "short",
    "timeline",
    "track",
]

ACTOR = "system:decide"
MAX_CAUSES = 20
MAX_REASONS = 5
_TITLE_LENGTH = 100


class Grouping(Record, frozen=True, kw_only=True):
    """How near abnormal verdicts must be to belong together, and how long a host must be normal.

    An abnormal verdict without a common cause still joins within `window_seconds`, or within `window_snapshots` of
    the host's push interval where that is longer. A quiet incident closes `close_after_seconds` after it grew quiet.
    """

    window_seconds: float = 900.0
    window_snapshots: int = 10
    close_after_seconds: float = 1800.0


class Change(Record, frozen=True, kw_only=True):
    """One incident as a verdict leaves it, with the lines this adds to its timeline."""

    incident: Incident
    events: tuple[IncidentEvent, ...]

    @property
    def kinds(self) -> tuple[str, ...]:
        """What happened to it: opened, joined, raised, quiet, reopened, closed."""
        return tuple(event.kind for event in self.events)


def track(
    verdict: Verdict, situation: Situation, grouping: Grouping, within: float
) -> tuple[Change, ...]:
    """What a verdict does to the host's incidents.

    An abnormal one opens, joins or re-opens exactly one, or is counted in one that stays closed; `within` is for how many
    seconds what was closed may come back. A normal one, unless it came late, quiets and closes. An unknown one changes nothing:
    blindness is not health.
    """
    if verdict.label is Label.ABNORMAL:
        return (_abnormal(verdict, situation, grouping, within),)
    if verdict.label is Label.NORMAL and not verdict.late:
        changes = (_calm(verdict, incident, grouping) for incident in situation.incidents)
        return tuple(change for change in changes if change is not None)
    return ()


def timeline(incident: Incident, verdict: Verdict, kind: str, text: str) -> IncidentEvent:
    """One line of the incident's timeline, at the snapshot's time."""
    return IncidentEvent(
        incident=incident.id,
        at=verdict.taken_at,
        kind=kind,
        actor=ACTOR,
        text=text,
        verdict=verdict.id,
    )


def _abnormal(verdict: Verdict, situation: Situation, grouping: Grouping, within: float) -> Change:
    host, live = situation.host, situation.incidents
    window = timedelta(
        seconds=max(grouping.window_seconds, grouping.window_snapshots * host.interval)
    )
    home = _home(verdict, live, window)
    subjects = {reason.subject for reason in verdict.reasons}
    if home is not None and not subjects.isdisjoint(home.causes):
        return _join(verdict, host, home, live)
    # A cause in common says more than nearness in time, of what is closed too.
    before = known_again(verdict, situation.closed)
    if before is not None and comes_back(verdict, before, within):
        severity = weighed(verdict.severity, host.labels)
        why = stays(verdict, before, host, severity, situation.silences, window)
        if why and not shows_more(verdict, before, severity):
            return _count(verdict, before, why)
        # What people closed is not undone by what was seen before; what they could not see then is another.
        if (not why or verdict.taken_at > ended(before)) and _has_room(before, verdict):
            again, words = back(verdict, before)
            return _join(verdict, host, again, live, (("reopened", words),))
    if home is not None:
        return _join(verdict, host, home, live)
    return _open(verdict, host, before)


def _home(verdict: Verdict, live: Sequence[Incident], window: timedelta) -> Incident | None:
    subjects = {reason.subject for reason in verdict.reasons}
    near = [
        incident
        for incident in live
        if subjects.intersection(incident.causes)
        # What begins after the host was normal again is something else, unless it has a cause in common.
        or (
            incident.state is IncidentState.OPEN
            and abs(verdict.taken_at - incident.last_abnormal_at) <= window
        )
    ]
    # The id comes last so that the choice doesn't hang on the order in which incidents are given.
    return max(
        near,
        key=lambda incident: (
            len(subjects.intersection(incident.causes)),
            incident.state is IncidentState.OPEN,
            incident.last_abnormal_at,
            incident.id,
        ),
        default=None,
    )


def _open(verdict: Verdict, host: Host, before: Incident | None) -> Change:
    reasons = best(verdict.reasons)
    what = short(reasons[0].text) if reasons else "abnormal, without one clear cause"
    incident = Incident(
        id=IncidentId(
            derived_id("incident", verdict.tenant, verdict.host, verdict.epoch, verdict.seq)
        ),
        tenant=verdict.tenant,
        host=verdict.host,
        hostname=host.hostname,
        state=IncidentState.OPEN,
        title=f"{host.hostname}: {what}",
        severity=weighed(verdict.severity, host.labels),
        causes=_causes((), verdict, set()),
        reasons=reasons,
        opened_at=verdict.taken_at,
        first_verdict=verdict.id,
        last_abnormal_at=verdict.taken_at,
        peak_score=verdict.score,
        model=verdict.model,
        seen_before=None if before is None else before.id,
    )
    words = what if before is None else f"{what}; {_alike(verdict, before)}"
    return Change(incident=incident, events=(timeline(incident, verdict, "opened", words),))


def _alike(verdict: Verdict, before: Incident) -> str:
    name = f"{before.title} ({before.id})"
    if verdict.taken_at > ended(before):
        return f"seen before: {name}"
    return f"it shares a cause with what was closed since: {name}"


def _join(
    verdict: Verdict,
    host: Host,
    before: Incident,
    live: Sequence[Incident],
    lines: tuple[tuple[str, str], ...] = (),
) -> Change:
    causes = _causes(before.causes, verdict, _apart(live, before))
    severity = weighed(verdict.severity, host.labels)
    raised = severity.rank > before.severity.rank
    reopened = before.state is IncidentState.QUIET and not verdict.late
    incident = msgspec.structs.replace(
        before,
        state=IncidentState.OPEN if reopened else before.state,
        quiet_since=None if reopened else before.quiet_since,
        severity=severity if raised else before.severity,
        causes=causes,
        reasons=best((*before.reasons, *verdict.reasons)),
        last_abnormal_at=max(before.last_abnormal_at, verdict.taken_at),
        verdicts=before.verdicts + 1,
        peak_score=max(before.peak_score, verdict.score),
    )
    told = list(lines)
    if reopened:
        told.append(("reopened", "the host is abnormal again"))
    if raised:
        told.append(("raised", f"severity went from {before.severity} to {severity}"))
    if news := causes[len(before.causes) :]:
        new = "; ".join(short(one.text) for one in verdict.reasons if one.subject in news)
        told.append(("joined", f"{incident.verdicts} abnormal snapshots; new: {new}"))
    elif incident.verdicts.bit_count() == 1:
        told.append(("joined", f"{incident.verdicts} abnormal snapshots so far"))
    return Change(
        incident=incident,
        events=tuple(timeline(incident, verdict, kind, text) for kind, text in told),
    )


def _count(verdict: Verdict, before: Incident, why: str) -> Change:
    """One more of what stays closed; nobody is told of it."""
    incident = msgspec.structs.replace(
        before,
        last_abnormal_at=max(before.last_abnormal_at, verdict.taken_at),
        verdicts=before.verdicts + 1,
        peak_score=max(before.peak_score, verdict.score),
    )
    first = before.last_abnormal_at <= ended(before) < verdict.taken_at
    if not first and incident.verdicts.bit_count() != 1:
        return Change(incident=incident, events=())
    text = f"seen again, {incident.verdicts} abnormal snapshots so far; stays closed: {why}"
    return Change(incident=incident, events=(timeline(incident, verdict, "joined", text),))


def _calm(verdict: Verdict, before: Incident, grouping: Grouping) -> Change | None:
    if before.quiet_since is None:
        quiet = msgspec.structs.replace(
            before, state=IncidentState.QUIET, quiet_since=verdict.taken_at
        )
        line = timeline(quiet, verdict, "quiet", "the host is normal again")
        return Change(incident=quiet, events=(line,))
    normal_for = (verdict.taken_at - before.quiet_since).total_seconds()
    if normal_for < grouping.close_after_seconds:
        return None
    closed = msgspec.structs.replace(
        before,
        state=IncidentState.CLOSED,
        closed_at=verdict.taken_at,
        closed_by=ACTOR,
        resolution=Resolution.EXPIRED,
    )
    text = f"nothing abnormal for {normal_for / 60:.0f} minutes"
    return Change(incident=closed, events=(timeline(closed, verdict, "closed", text),))


def _apart(live: Sequence[Incident], home: Incident | None = None) -> set[str]:
    """The causes of other incidents that people told apart: they do not grow together again by one verdict with both."""
    return {cause for one in live if one.edits and one is not home for cause in one.causes}


def _causes(known: tuple[str, ...], verdict: Verdict, apart: set[str]) -> tuple[str, ...]:
    new = (reason.subject for reason in verdict.reasons if reason.subject not in apart)
    subjects = (*known, *new)
    return tuple(dict.fromkeys(subjects))[:MAX_CAUSES]


def _has_room(incident: Incident, verdict: Verdict) -> bool:
    """Whether none of its causes would be left out."""
    return len({*incident.causes, *(one.subject for one in verdict.reasons)}) <= MAX_CAUSES


def best(reasons: tuple[Reason, ...]) -> tuple[Reason, ...]:
    """The strongest of each expert and subject, few of them."""
    strongest: dict[tuple[str, str], Reason] = {}
    for reason in reasons:
        kept = strongest.get((reason.expert, reason.subject))
        if kept is None or reason.share > kept.share:
            strongest[reason.expert, reason.subject] = reason
    ranked = sorted(strongest.values(), key=lambda reason: -reason.share)
    return tuple(ranked[:MAX_REASONS])


def short(text: str) -> str:
    """On one line that fits a title."""
    line = " ".join(text.split()).rstrip(".")
    return line if len(line) <= _TITLE_LENGTH else line[: _TITLE_LENGTH - 1] + "…"
